package earshot_test

import (
	"testing"

	"earshot"
)

// A role that is but a guess counts as unknown; one that has become known
// counts for what was said before, too.
func TestSureRoles(t *testing.T) {
	call := earshot.Call{Participants: []earshot.Participant{
		{ID: "told", Role: earshot.RoleAgent, RoleConfidence: 0.5},
		{ID: "guessed", Role: earshot.RoleCustomer, RoleConfidence: 0.49},
	}}
	said := []earshot.Utterance{
		{ParticipantID: "told", Role: earshot.RoleCustomer},
		{ParticipantID: "guessed", Role: earshot.RoleCustomer},
		{ParticipantID: "gone", Role: earshot.RoleAgent},
		{},
	}
	want := []earshot.Role{earshot.RoleAgent, earshot.RoleUnknown, earshot.RoleAgent, ""}
	for i, u := range call.SureRoles(said) {
		if u.Role != want[i] {
			t.Errorf("%q is %q, want %q", u.ParticipantID, u.Role, want[i])
		}
	}
	if said[0].Role != earshot.RoleCustomer {
		t.Error("the utterances given were changed")
	}
}
