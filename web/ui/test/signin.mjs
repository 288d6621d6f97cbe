// Signs people in through a real OpenID provider, in Debian's Chromium, at a
// server that e2e/signin_test.go runs.
import assert from 'node:assert/strict';
import axe from 'axe-core';
import { Provider } from 'oidc-provider';
import { chromium } from 'playwright-core';

const base = process.env.EARSHOT_PAGE;
const issuer = process.env.EARSHOT_HTTP_OIDC_ISSUER;
const people = {
  ida: { name: 'Ida Holm', email: 'ida@crew.example', email_verified: true, access: { groups: ['calls-lead'] } },
  kim: { name: 'Kim Roe', email: 'kim@crew.example', email_verified: true, access: { groups: ['kitchen'] } },
  sly: { name: 'Sly Fox', email: 'ida@crew.example', email_verified: false, access: { groups: ['calls-lead'] } },
};

const provider = new Provider(issuer, {
  clients: [{
    client_id: 'earshot', client_secret: process.env.EARSHOT_HTTP_OIDC_CLIENT_SECRET,
    redirect_uris: [`${base}signin/callback`], id_token_signed_response_alg: 'RS256',
  }],
  claims: { openid: ['sub'], profile: ['name', 'access'], email: ['email', 'email_verified'] },
  findAccount: (_, sub) => ({ accountId: sub, claims: async () => ({ sub, ...people[sub] }) }),
  pkce: { required: () => true },
});
const listening = provider.listen(Number(new URL(issuer).port), '127.0.0.1');
await new Promise((done) => listening.on('listening', done));

const browser = await chromium.launch({ executablePath: process.env.EARSHOT_CHROMIUM, args: ['--no-sandbox'] });
const context = await browser.newContext({ viewport: { width: 1280, height: 800 } });
const page = await context.newPage();
page.setDefaultTimeout(60_000);
// The provider's pages want fonts from elsewhere.
await context.route((u) => !u.href.startsWith(base) && !u.href.startsWith(issuer), (route) => route.abort());
const wrong = [];
page.on('pageerror', (e) => wrong.push(e.stack ?? e.message));

async function step(name, what) {
  await what();
  console.log(`ok ${name}`);
}

// as signs somebody in at the provider, and agrees there.
async function as(login) {
  await page.getByRole('link', { name: 'sign in with Lighthouse' }).click();
  await page.fill('input[name=login]', login);
  await page.fill('input[name=password]', 'any');
  await page.locator('button[type=submit]').click();
  await page.getByRole('button', { name: 'Continue' }).click();
}

async function elsewhere() {
  await context.clearCookies();
  await page.goto(base);
  await page.getByRole('heading', { name: 'Sign in to Earshot' }).waitFor();
}

let answer; // the address that the provider sent the browser back to
page.on('request', (r) => r.url().startsWith(`${base}signin/callback`) && (answer = r.url()));

await step('somebody signs in, and is where they were', async () => {
  await page.goto(`${base}#/search?q=kettle`);
  await page.getByRole('heading', { name: 'Sign in to Earshot' }).waitFor();
  await as('ida');
  await page.getByText('Ida Holm').first().waitFor();
  assert.equal(await page.evaluate(() => location.hash), '#/search?q=kettle');
  const me = await page.evaluate(async () => (await fetch('api/v1/session')).json());
  assert.deepEqual([me.account.login, me.account.role, me.account.external], ['ida@crew.example', 'supervisor', true]);
});

await step('the same answer is good once', async () => {
  await page.goto(answer);
  await page.getByRole('heading', { name: 'Not signed in' }).waitFor();
  await page.evaluate(axe.source);
  const { violations } = await page.evaluate(() => globalThis.axe.run());
  assert.deepEqual(violations.map((v) => v.id), []);
  assert.ok(await page.evaluate(() => getComputedStyle(document.body).fontFamily !== 'Times New Roman'), 'the page has no style');
});

await step('who is in no group is told so', async () => {
  await elsewhere();
  await as('kim');
  await page.getByText('kim@crew.example is in no group that may use Earshot').waitFor();
  await page.getByRole('link', { name: 'Back to Earshot' }).click();
  await page.getByRole('heading', { name: 'Sign in to Earshot' }).waitFor();
});

await step('an address that is not verified is nobody’s', async () => {
  await elsewhere();
  await as('sly');
  await page.getByRole('heading', { name: 'Not signed in' }).waitFor();
  await page.goto(base);
  await page.getByRole('heading', { name: 'Sign in to Earshot' }).waitFor();
});

await step('an answer nobody asked for is refused', async () => {
  await elsewhere();
  const got = await page.goto(`${base}signin/callback?code=stolen&state=made-up`);
  assert.equal(got.status(), 403);
});

await browser.close();
listening.close();
listening.closeAllConnections();
assert.deepEqual(wrong, []);
