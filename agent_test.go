package earshot

import (
	"errors"
	"strings"
	"testing"
)

func TestNumberAndAddressKeys(t *testing.T) {
	for in, want := range map[string]string{
		"2001": "2001", "+49 (30) 123-420": "4930123420", "004930123420": "4930123420", "0015": "0015",
		"*72": "*72", "mira": "", "": "", "+1 555 01x": "",
	} {
		if got := NumberKey(in); got != want {
			t.Errorf("NumberKey(%q) = %q, want %q", in, got, want)
		}
	}
	for in, want := range map[string]string{
		"sip:Mira@Desk.Example:5060;user=phone": "mira@desk.example", "mira@desk.example": "mira@desk.example",
		"sips:+15550100;npdi@gw.example": "+15550100@gw.example", "sip:2001@[2001:db8::1]:5070": "2001@2001:db8::1",
		"sip:desk.example": "", "tel:+15550100": "",
	} {
		if got := AddressKey(in); got != want {
			t.Errorf("AddressKey(%q) = %q, want %q", in, got, want)
		}
	}
}

func TestDirectoryCheck(t *testing.T) {
	good := Directory{
		Teams: []Team{{ID: "desk"}}, Queues: []Queue{{ID: "support", Numbers: []string{"+15550199"}}},
		Agents: []Agent{{ID: "mira", Extensions: []string{"2001"}, AORs: []string{"sip:mira@desk.example"}, Team: "desk"}},
	}
	if err := good.Check(); err != nil {
		t.Fatal(err)
	}
	for why, with := range map[string]Directory{
		`agent "": it has no id`:                               {Agents: []Agent{{Name: "x"}}},
		`agent "jon": there is no team "night"`:                {Agents: []Agent{{ID: "jon", Team: "night"}}},
		`agent "jon": extension 2001 is mira's`:                {Agents: []Agent{{ID: "jon", Extensions: []string{"2001"}}}},
		`agent "jon": address MIRA@desk.example is mira's`:     {Agents: []Agent{{ID: "jon", AORs: []string{"MIRA@desk.example"}}}},
		`agent "jon": "desk" is no extension`:                  {Agents: []Agent{{ID: "jon", Extensions: []string{"desk"}}}},
		`queue "sales": number +1 555 0199 is support's`:       {Queues: []Queue{{ID: "sales", Numbers: []string{"+1 555 0199"}}}},
		`team "a/b": an id has no /, \, ?, #, % and no blanks`: {Teams: []Team{{ID: "a/b"}}},
		`a text is longer than 200 bytes`:                      {Teams: []Team{{ID: "a", Name: strings.Repeat("x", 201)}}},
	} {
		err := good.Merge(with).Check()
		var entry *DirectoryError
		if !errors.As(err, &entry) || !strings.Contains(err.Error(), why) {
			t.Errorf("got %v, want %s", err, why)
		}
	}
	if err := (Directory{Teams: []Team{{ID: "a"}, {ID: "a"}}}).Check(); err == nil {
		t.Error("an ID may be taken twice")
	}
	moved := good.Merge(Directory{Agents: []Agent{{ID: "mira", Extensions: []string{"2002"}}}})
	if len(moved.Agents) != 1 || moved.Agents[0].Extensions[0] != "2002" || len(moved.Teams) != 1 || good.Agents[0].Extensions[0] != "2001" {
		t.Errorf("merged %+v of %+v", moved, good)
	}
}
