// An identity provider on this machine (oidc-provider): whoever names themselves is believed, and what they are here follows
// from their name. It answers 503 until it is told whom it serves.
import { once } from "node:events";
import { createServer } from "node:http";
import Provider from "oidc-provider";

const GROUPS = { mia: ["readers"], ada: ["admins"] };

/** Listens on a free port; `serve` makes it a provider for the service at this address. */
export async function startProvider() {
  let handle = (_, answer) => answer.writeHead(503).end();
  const server = createServer((request, answer) => handle(request, answer));
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const issuer = `http://127.0.0.1:${server.address().port}`;
  return {
    issuer,
    secret: "hush-hush-hush-hush",
    serve(url) {
      const provider = new Provider(issuer, {
        clients: [
          {
            client_id: "tocsin",
            client_secret: this.secret,
            redirect_uris: [`${url}/sign-in/oidc/callback`],
            grant_types: ["authorization_code"],
            response_types: ["code"],
          },
        ],
        claims: { openid: ["sub"], profile: ["preferred_username"], groups: ["groups"] },
        conformIdTokenClaims: false,
        findAccount: (_, id) => ({
          accountId: id,
          claims: () => ({ sub: id, preferred_username: id, groups: GROUPS[id] ?? ["guests"] }),
        }),
        // Nobody is asked whether they consent to what their hospital has set up.
        async loadExistingGrant({ oidc }) {
          const grant = new provider.Grant({ clientId: oidc.client.clientId, accountId: oidc.session.accountId });
          grant.addOIDCScope("openid profile groups");
          await grant.save();
          return grant;
        },
        cookies: { keys: ["a key of this test"] },
      });
      handle = provider.callback();
    },
    async stop() {
      server.closeAllConnections();
      server.close();
      await once(server, "close");
    },
  };
}

/** The provider's own form. */
export async function signInThere(page, name) {
  await page.locator('input[name="login"]').fill(name);
  await page.locator('input[name="password"]').fill("any");
  await page.locator('button[type="submit"]').click();
}
