// Uses the page as people do, in Debian's Chromium, against a server that
// e2e/page_test.go runs and a call that it places. What the script can't do
// itself it asks for by a line, and waits for a line back.
import assert from 'node:assert/strict';
import { createInterface } from 'node:readline';
import axe from 'axe-core';
import { chromium } from 'playwright-core';

const base = process.env.EARSHOT_PAGE;
const shots = process.env.E2E_SHOTS; // a folder for screenshots, or nothing
const patience = 120_000;
const password = 'kettle-and-teapot';

const lines = createInterface({ input: process.stdin });
const answers = lines[Symbol.asyncIterator]();

async function ask(what) {
  console.log(`ask ${what}`);
  return (await answers.next()).value;
}

const browser = await chromium.launch({ executablePath: process.env.EARSHOT_CHROMIUM, args: ['--no-sandbox', '--autoplay-policy=no-user-gesture-required'] });
const context = await browser.newContext({ viewport: { width: 1280, height: 800 }, colorScheme: 'light' });
const page = await context.newPage();
page.setDefaultTimeout(patience);

// What the policy blocks, what breaks, and what asks another host, fails at the end.
const wrong = [];
let away = false; // the server is
page.on('console', (m) => m.type() === 'error' && !/Failed to load resource/.test(m.text()) && wrong.push(m.text()));
page.on('pageerror', (e) => wrong.push(e.stack ?? e.message));
page.on('request', (r) => r.url().startsWith(base) || wrong.push(`a request to ${r.url()}`));
page.on('response', (r) => r.status() >= 500 && !away && wrong.push(`${r.status()} for ${r.url()}`));

async function step(name, what) {
  await what();
  console.log(`ok ${name}`);
}

async function shot(name) {
  if (shots) await page.screenshot({ path: `${shots}/${name}.png` });
}

// accessible runs axe in both schemes, and looks for what sticks out at 360 px.
async function accessible(name) {
  await page.evaluate(axe.source);
  for (const colorScheme of ['dark', 'light']) {
    await page.emulateMedia({ colorScheme });
    const { violations } = await page.evaluate(() => globalThis.axe.run({ runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa'] }));
    assert.deepEqual(violations.map((v) => `${v.id}: ${v.nodes.map((n) => n.html).join(' ')}`), [], `${name}, ${colorScheme}`);
  }
  await page.setViewportSize({ width: 360, height: 740 });
  assert.equal(await page.evaluate(() => document.documentElement.scrollWidth), 360, `${name} is wider than 360 px`);
  await shot(`${name}-narrow`);
  await page.setViewportSize({ width: 1280, height: 800 });
}

// tabTo presses Tab until an element has the focus.
async function tabTo(locator) {
  for (let n = 0; n < 60; n++) {
    await page.keyboard.press('Tab');
    if (await locator.evaluate((el) => el === document.activeElement)) return;
  }
  assert.fail(`Tab does not reach ${locator}`);
}

const until = (what, arg) => page.waitForFunction(what, arg);
const finals = page.locator('.turn[data-id]');

await step('the board shows the call while it is spoken', async () => {
  await page.goto(base);
  await page.locator('.live .row', { hasText: 'Paul Becker' }).waitFor();
  await page.locator('.live .said .name').waitFor();
  await page.fill('#filter', 'nobody of that name');
  await page.getByText('None of the 1 live calls is like that').waitFor();
  await page.fill('#filter', 'becker');
  await accessible('board');
  await shot('board');
});

await step('the keyboard alone opens the call', async () => {
  await page.locator('.brand').focus();
  await tabTo(page.locator('.live .row'));
  await page.keyboard.press('Enter');
  await page.getByRole('heading', { level: 1, name: 'Paul Becker' }).waitFor();
  await finals.first().waitFor();
});

await step('what is being said is shown before it is final, and suggestions with their source', async () => {
  await page.locator('.now .turn').first().waitFor();
  await page.locator('.card.answer').first().waitFor();
  await page.locator('.card.answer summary').first().click();
  assert.ok((await page.locator('.card.answer blockquote').first().innerText()).length > 20, 'the source is not quoted');
  await accessible('live');
  await shot('live');
});

await step('the checklist shows what was said, and what was not', async () => {
  await page.locator('.checks li.done', { hasText: 'Greeted with name and company' }).locator('.at').waitFor();
  await page.locator('.checks li', { hasText: 'Confirmation promised' }).waitFor();
  assert.equal(await page.locator('.checks li').count(), 3);
  await page.getByText(/^[123] of 3 said$/).waitFor();
  assert.equal(await page.locator('.card.checklist').count(), 0);
});

await step('a suggestion is rated', async () => {
  const card = page.locator('.card.answer').last(); // newer ones come before it
  const wrong = card.getByRole('button', { name: /^Wrong/ });
  await wrong.click();
  await until((b) => b.getAttribute('aria-pressed') === 'true', await wrong.elementHandle());
  await card.getByRole('button', { name: /^Used/ }).click();
  await until((b) => b.getAttribute('aria-pressed') === 'false', await wrong.elementHandle());
});

await step('a key pauses the recording and goes on', async () => {
  await page.keyboard.press('p');
  await page.getByText('Recording is paused').waitFor();
  await page.keyboard.press('p');
  await page.getByText('Recording', { exact: true }).waitFor();
  await page.locator('.side').getByText('Recording resumed').waitFor();
});

await step('the page goes on after the server was killed in mid-call', async () => {
  const before = await finals.count();
  away = true;
  assert.equal(await ask('restart'), 'done');
  away = false;
  await page.locator('.link[data-state="live"]').waitFor();
  await until((n) => document.querySelectorAll('.turn[data-id]').length > n, before);
  assert.equal(await page.evaluate(() => new Set([...document.querySelectorAll('.turn[data-id]')].map((e) => e.dataset.id)).size), await finals.count());
});

await step('the call ends before the eyes of its reader', async () => {
  await page.locator('.tag', { hasText: 'refund' }).waitFor(); // a search wants it later
  assert.equal(await ask('hang up'), 'done');
  await page.locator('.badge', { hasText: /Ended|Wrapping up/ }).waitFor();
  await page.locator('.reason').waitFor();
  await page.getByText(/Paul Becker talks/).waitFor();
  await until(() => document.querySelector('audio')?.duration > 10);
  await until(() => document.querySelector('canvas')?.width > 400);
});

const heard = () => page.locator('audio').evaluate((a) => a.currentTime);

await step('a word clicked is heard, and followed', async () => {
  const word = page.locator('.turn[data-id] .word').nth(12);
  const from = Number(await word.getAttribute('data-ms')) / 1000;
  await word.click();
  await until((t) => document.querySelector('audio').currentTime > t, from);
  await page.locator('.turn.playing').waitFor();
  await page.keyboard.press('k');
  await until(() => document.querySelector('audio').paused);
  await page.selectOption('.controls select', '1.5');
  assert.equal(await page.locator('audio').evaluate((a) => a.playbackRate), 1.5);
  await page.locator('.slider').focus();
  await page.keyboard.press('Home');
  await until(() => document.querySelector('audio').currentTime === 0);
  await page.keyboard.press('ArrowRight');
  await until(() => document.querySelector('audio').currentTime === 5);
  await page.locator('.panel .list button.at').first().click();
  await until(() => document.querySelector('audio').currentTime !== 5);
  await page.keyboard.press('k');
  assert.ok(await heard() > 0);
  await accessible('call');
  await shot('call');
});

await step('the summary is corrected, and nobody writes over another', async () => {
  await page.getByRole('button', { name: 'Edit', exact: true }).click();
  await page.getByLabel('Why they called').fill('The coffee machine leaks.');
  await page.getByRole('button', { name: 'Add a follow-up' }).click();
  await page.locator('.followup').last().getByLabel('What is to be done').fill('Send a label for the return');
  await accessible('wrapup');
  await shot('wrapup');
  const status = await page.evaluate(async () => {
    const path = `api/v1/calls/${/calls\/([^?]+)/.exec(location.hash)[1]}/summary`;
    const now = await fetch(path);
    const { reason, disposition } = await now.json();
    const body = JSON.stringify({ reason, disposition, text: 'From another window.', actions: [], by: 'somebody else' });
    return (await fetch(path, { method: 'PUT', body, headers: { 'Content-Type': 'application/json', 'If-Match': now.headers.get('ETag') } })).status;
  });
  assert.equal(status, 200);
  await page.getByRole('button', { name: 'Save', exact: true }).click();
  await page.getByText('The summary changed while you were writing').waitFor();
  await page.getByRole('button', { name: 'Save mine over it' }).click();
  await page.getByText(/Edited by page/).waitFor();
  await page.locator('.reason', { hasText: 'The coffee machine leaks.' }).waitFor();
  await page.getByText('Send a label for the return').waitFor();
});

await step('what was said is found, with its second', async () => {
  await page.locator('h1').click(); // away from any field
  await page.keyboard.press('/');
  await page.keyboard.type('coffee mach*');
  await page.keyboard.press('Enter');
  await page.locator('.hit mark').first().waitFor();
  await accessible('search');
  await shot('search');
  await page.selectOption('#role', 'agent');
  await until(() => location.hash.includes('role=agent'));
  await page.selectOption('#role', '');
  await page.fill('#tag', 'no such tag');
  await page.keyboard.press('Enter');
  await page.getByText('Nobody said that in such a call').waitFor();
  await page.fill('#tag', 'refund');
  await page.keyboard.press('Enter');
  await page.locator('.hit mark').first().click();
  await page.locator('.turn.playing').waitFor();
  assert.match(page.url(), /calls\/.*\?t=/);
});

await step('a call that is not there is explained', async () => {
  await page.goto(`${base}#/calls/nothing`);
  await page.getByText('This call can’t be shown').waitFor();
  await accessible('missing');
});

await step('a call is transcribed again', async () => {
  await page.goto(base);
  await page.locator('.past .row', { hasText: 'Paul Becker' }).click();
  await page.getByRole('button', { name: 'Transcribe again' }).click();
  await page.getByText(/^(Waiting until|Transcribing again)/).waitFor();
  await page.getByText('Transcribed again.').waitFor();
  await finals.first().waitFor();
  await accessible('again');
});

await step('what calls add up to is drawn, and stands in a table', async () => {
  await page.locator('.bar nav').getByRole('link', { name: 'Analytics' }).click();
  await page.locator('.tiles div', { hasText: 'Calls' }).locator('dd', { hasText: /^1$/ }).waitFor();
  await until(() => document.querySelectorAll('.plot canvas').length === 6);
  await page.locator('.counts li', { hasText: 'refund' }).waitFor();
  await page.selectOption('#span', '7');
  await until(() => location.hash.includes('days=7'));
  await page.getByText('The figures of each day as a table').click();
  await until(() => document.querySelectorAll('.figures tbody tr').length === 7);
  await accessible('analytics');
  await page.getByText('The figures of each day as a table').click();
  await page.locator('.plot .u-over').first().hover({ position: { x: 5, y: 60 } });
  await page.locator('.chart .day', { hasText: /\d/ }).first().waitFor();
  await shot('analytics');
});

await step('failed work and the trail have their screens', async () => {
  for (const [name, text] of [['jobs', 'Nothing has failed for good'], ['audit', 'Hear recording'], ['tokens', 'No program has a token']]) {
    await page.goto(`${base}#/admin/${name}`);
    await page.getByText(text).first().waitFor();
    await accessible(`admin-${name}`);
  }
});

await step('with the first account everybody signs in', async () => {
  await page.goto(`${base}#/admin/accounts`);
  await page.getByRole('button', { name: 'Make an account' }).click();
  await page.getByLabel('Login', { exact: true }).fill('boss');
  await page.getByLabel('Name', { exact: true }).fill('Bea Boss');
  await page.getByLabel(/^Password/).fill(password);
  await page.selectOption('#a-role', 'admin');
  await accessible('admin-account');
  await page.getByRole('button', { name: 'Save' }).click();
  await page.getByRole('heading', { name: 'Sign in to Earshot' }).waitFor();
  await accessible('signin');
  await shot('signin');
  await page.getByLabel('Login').fill('boss');
  await page.getByLabel('Password').fill('not the password');
  await page.keyboard.press('Enter');
  await until(() => document.querySelector('.signin .problem')?.textContent);
  await page.getByLabel('Password').fill(password);
  await page.keyboard.press('Enter');
  await page.getByText('Bea Boss').first().waitFor();
});

await step('a token is made, shown once and revoked', async () => {
  await page.goto(`${base}#/admin/tokens`);
  await page.getByLabel('What it is for').fill('wallboard');
  await page.getByRole('button', { name: 'Make a token' }).click();
  assert.match(await page.locator('.secret code').innerText(), /^eat_/);
  await page.getByRole('button', { name: 'Revoke wallboard' }).click();
  await page.getByText('No program has a token').waitFor();
  await page.getByRole('button', { name: 'Sign out' }).click();
  await page.getByRole('heading', { name: 'Sign in to Earshot' }).waitFor();
});

await step('the screen of an agent follows their extension', async () => {
  const make = (path, body) => page.evaluate(async ([path, body]) => {
    const answer = await fetch(`api/v1/${path}`, { method: 'POST', body: JSON.stringify(body), headers: { 'Content-Type': 'application/json' } });
    return answer.status;
  }, [path, body]);
  const signIn = async (login) => {
    await page.getByLabel('Login').fill(login);
    await page.getByLabel('Password').fill(password);
    await page.keyboard.press('Enter');
    await page.getByRole('button', { name: 'Sign out' }).waitFor();
  };
  await signIn('boss');
  assert.equal(await make('agents', { id: 'nora', name: 'Nora Winter', extensions: ['2001'] }), 200);
  assert.equal(await make('accounts', { login: 'nora', name: 'Nora Winter', role: 'agent', agent_id: 'nora', password }), 200);
  await page.goto(`${base}#/mine`);
  await page.getByText('Your account names no agent').waitFor();
  await page.getByRole('button', { name: 'Sign out' }).click();
  await page.getByRole('heading', { name: 'Sign in to Earshot' }).waitFor();
  await signIn('nora');
  await page.getByRole('link', { name: 'My call' }).click();
  await page.getByText('The next call of Nora Winter at 2001 opens here').waitFor();
  await accessible('mine-waiting');
  assert.equal(await ask('call 2001'), 'done');
  await page.getByRole('heading', { level: 1, name: 'Paul Becker' }).waitFor();
  await finals.first().waitFor();
  await page.locator('.checks li').first().waitFor();
  await accessible('mine');
  await shot('mine');
  const which = () => page.locator('.by', { hasText: /^Call / }).innerText();
  const first = await which();
  assert.equal(await ask('call 2001'), 'done');
  await page.getByText('Another call of yours is live:').waitFor();
  assert.equal(await which(), first); // the screen does not leave a live call
  assert.equal(await ask('hang up 2001'), 'done');
  await until((was) => ![...document.querySelectorAll('.by')].some((e) => e.textContent === was), first);
  await page.locator('.badge.live').waitFor();
  assert.equal(await ask('hang up 2001'), 'done');
  await page.locator('.badge', { hasText: /Ended|Wrapping up/ }).waitFor();
  assert.match(page.url(), /#\/mine$/);
  await page.getByRole('link', { name: 'Analytics' }).click();
  await page.locator('.tiles div', { hasText: 'Calls' }).locator('dd', { hasText: /^2$/ }).waitFor(); // not the other one
  assert.equal(await page.getByRole('link', { name: 'Admin' }).count(), 0);
});

await browser.close();
assert.deepEqual(wrong, []);
lines.close(); // or the process would wait for more
console.log('ok nothing was blocked, nothing broke, nobody else was asked');
