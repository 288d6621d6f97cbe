// Who is signed in. Without accounts everybody is, and nothing of this shows.

import { get, post, remove } from './api.js';
import { h, fill } from './dom.js';

/** me returns {account, sign_in}; account is null if nobody is signed in. */
export const me = () => get('session');

/** signIn shows a form in place of everything and resolves once it worked. */
export function signIn(main) {
  document.title = 'Sign in – Earshot';
  document.body.dataset.view = 'signin';
  const problem = h('p', { class: 'problem', role: 'alert' });
  const login = h('input', { id: 'login', name: 'username', autocomplete: 'username', autocapitalize: 'none', required: true });
  const password = h('input', { id: 'password', name: 'password', type: 'password', autocomplete: 'current-password', required: true });
  const button = h('button', { type: 'submit' }, 'Sign in');
  return new Promise((resolve) => {
    const submit = async (event) => {
      event.preventDefault();
      button.disabled = true;
      fill(problem, '');
      try {
        await post('session', { login: login.value, password: password.value });
        resolve();
      } catch (error) {
        fill(problem, error.message);
        password.select();
      } finally {
        button.disabled = false;
      }
    };
    fill(main, h('form', { class: 'signin', onsubmit: submit },
      h('img', { src: 'mark.svg', alt: '', width: 48, height: 48 }),
      h('h1', {}, 'Sign in to Earshot'),
      h('label', { for: 'login' }, 'Login'), login,
      h('label', { for: 'password' }, 'Password'), password,
      problem, button));
    login.focus();
  });
}

/** badge names who is signed in, with the way out. */
export function badge(account) {
  const leave = async () => {
    await remove('session');
    location.reload();
  };
  return h('p', { class: 'who' }, h('span', {}, account.name || account.login),
    h('button', { type: 'button', onclick: leave }, 'Sign out'));
}
