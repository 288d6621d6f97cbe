package e2e

import (
	"fmt"
	"testing"
)

// TestSignInElsewhere has people sign in through a real OpenID provider: the
// roles come from its groups, and nobody comes in who should not.
func TestSignInElsewhere(t *testing.T) {
	t.Parallel()
	s := newServer(t,
		fmt.Sprintf("EARSHOT_HTTP_OIDC_ISSUER=http://127.0.0.1:%d", freePort(t)), "EARSHOT_HTTP_OIDC_CLIENT_ID=earshot",
		"EARSHOT_HTTP_OIDC_CLIENT_SECRET=lantern-and-tide-17", "EARSHOT_HTTP_OIDC_NAME=Lighthouse",
		"EARSHOT_HTTP_OIDC_ROLES_CLAIM=access.groups", "EARSHOT_HTTP_OIDC_SUPERVISORS=calls-lead",
		"EARSHOT_TRANSCRIBE_ENGINE=none")
	s.browse(t, "signin.mjs", nil)
}
