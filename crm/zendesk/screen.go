package zendesk

import (
	"context"
	"fmt"
	"net/http"

	"earshot"
	"earshot/crm/rest"
)

// Brings implements crm.Screen: it belongs to the Talk Partner Edition.
func (c *Connector) Brings() bool { return c.cfg.Voice }

// Bring implements crm.Screen: it opens the caller's profile in the agent's
// browser (https://developer.zendesk.com/api-reference/voice/talk-partner-edition-api/reference/,
// "Open a user's profile in an agent's browser").
func (c *Connector) Bring(ctx context.Context, contact earshot.Contact, user string) error {
	agent, caller := number(user), number(contact.ID)
	if agent == 0 || caller == 0 {
		return earshot.Permanent(fmt.Errorf("%s: the agent of the mapping is no ID of a user", c.cfg.Name))
	}
	_, err := c.rest.Do(ctx, rest.Request{
		Method: http.MethodPost, Path: fmt.Sprintf("%s/channels/voice/agents/%d/users/%d/display", api, agent, caller),
	})
	return err
}
