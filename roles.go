package earshot

import "slices"

// SureRole is the confidence from which a role counts for what is derived of a
// call. A role below it is a guess, shown as such and otherwise taken for
// unknown.
const SureRole = 0.5

// SureRole returns the role, [RoleUnknown] if it is but a guess.
func (p *Participant) SureRole() Role {
	if p.RoleConfidence < SureRole {
		return RoleUnknown
	}
	return p.Role
}

// SureRoles returns the utterances of the call with the roles of their
// speakers as far as they are known by now. An utterance keeps the role that
// was known when it was said, which may have been a guess, and wrong.
func (c *Call) SureRoles(utterances []Utterance) []Utterance {
	out := slices.Clone(utterances)
	for i := range out {
		if p := c.Participant(out[i].ParticipantID); p != nil {
			out[i].Role = p.SureRole()
		}
	}
	return out
}
