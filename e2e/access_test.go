package e2e

import (
	"bytes"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"earshot"
)

// TestAccounts makes accounts beside a server that is up, and looks at a call as
// each of them.
func TestAccounts(t *testing.T) {
	t.Parallel()
	people := filepath.Join(t.TempDir(), "people.yaml")
	err := os.WriteFile(people, []byte("teams:\n  - {id: desk, name: Front desk}\n  - {id: sales, name: Sales}\n"+
		"agents:\n  - {id: olga, name: Olga Brandt, aors: ['sip:301@desk.example'], team: desk}\n"+
		"  - {id: pete, name: Pete Moss, aors: ['sip:302@desk.example'], team: sales}\n"), 0o600)
	if err != nil {
		t.Fatal(err)
	}
	s := newServer(t, "EARSHOT_TRANSCRIBE_ENGINE=none", "EARSHOT_CALLS_WRAP_UP=1s", "EARSHOT_DIRECTORY_FILE="+people)
	c := newSRC(t, s)
	ports := c.establish(t, inviteHeaders, twoStreams("127.0.0.1"))
	audio := excerpt(t, 2)
	speak(t, ports, audio[:]...)
	c.bye(t)
	call := s.onlyCall(t)
	wait(t, 20*time.Second, "the recording", func() bool { return s.call(t, call.ID).RecordingReady })

	secrets := map[string]string{}
	for _, a := range [][]string{
		{"boss", "--role", "admin"},
		{"lead", "--role", "supervisor", "--team", "desk"},
		{"rival", "--role", "supervisor", "--team", "sales"},
		{"olga", "--role", "agent", "--agent", "olga"},
		{"pete", "--role", "agent", "--agent", "pete"},
	} {
		s.typed(t, "kettle-and-teapot\n", append([]string{"accounts", "add"}, a...)...)
		scopes := "read,audio,write"
		if a[0] == "boss" {
			scopes += ",admin"
		}
		secrets[a[0]] = strings.TrimSpace(s.typed(t, "", "tokens", "add", a[0], "--name", "test", "--scopes", scopes))
	}
	base := "/api/v1/calls/" + string(call.ID)
	for _, tc := range []struct {
		path string
		want map[string]int
	}{
		{"/api/v1/calls", map[string]int{"": 401, "boss": 200, "olga": 200, "pete": 200}},
		{base, map[string]int{"": 401, "boss": 200, "lead": 200, "rival": 404, "olga": 200, "pete": 404}},
		{base + "/audio", map[string]int{"": 401, "lead": 200, "rival": 404, "olga": 200, "pete": 404}},
		{base + "/transcript", map[string]int{"": 401, "olga": 200, "pete": 404}},
		{base + "/events", map[string]int{"": 401, "pete": 404}},
		{base + "/capture", map[string]int{"": 401, "lead": 200, "olga": 403, "pete": 403}},
		{"/api/v1/accounts", map[string]int{"": 401, "boss": 200, "lead": 403, "olga": 403}},
		{"/metrics", map[string]int{"": 401, "boss": 200, "lead": 403}},
		{"/livez", map[string]int{"": 200}},
		{"/", map[string]int{"": 200}},
	} {
		for who, want := range tc.want {
			status, body := s.as(t, secrets[who], http.MethodGet, tc.path, "")
			if status != want {
				t.Errorf("%s as %q: %d, want %d", tc.path, who, status, want)
			}
			if who == "pete" && strings.Contains(body, string(call.ID)) {
				t.Errorf("%s tells pete of the call", tc.path)
			}
		}
	}
	_, trail := s.as(t, secrets["boss"], http.MethodGet, "/api/v1/audit?call="+string(call.ID), "")
	if strings.Count(trail, `"hear recording"`) != 2 || !strings.Contains(trail, `"olga"`) || strings.Contains(trail, `"pete"`) {
		t.Errorf("the trail of the call: %s", trail)
	}
	if out, err := s.earshot(t, "pause", string(call.ID)); err == nil || !strings.Contains(out, "sign in") {
		t.Errorf("a command without a token: %v\n%s", err, out)
	}
	s.env = append(s.env, "EARSHOT_TOKEN="+secrets["boss"])
	if out, err := s.earshot(t, "pause", string(call.ID)); err == nil || !strings.Contains(out, "ended") {
		t.Errorf("a command with a token: %v\n%s", err, out)
	}
	s.checkPasswords(t)
	s.typed(t, "", "accounts", "change", "olga", "--disable")
	if status, _ := s.as(t, secrets["olga"], http.MethodGet, base, ""); status != http.StatusUnauthorized {
		t.Errorf("a disabled account's token: %d", status)
	}
	for word, secret := range secrets {
		if strings.Contains(s.log.String(), secret) || strings.Contains(s.log.String(), "kettle-and-teapot") {
			t.Errorf("the log has a secret of %s", word)
		}
	}
}

// checkPasswords signs in with the right one, and with wrong ones until it must
// wait.
func (s *server) checkPasswords(t *testing.T) {
	t.Helper()
	status, body := s.as(t, "", http.MethodPost, "/api/v1/session", `{"login":"LEAD","password":"kettle-and-teapot"}`)
	if status != http.StatusOK || !strings.Contains(body, `"supervisor"`) || strings.Contains(body, "argon2") {
		t.Errorf("signing in: %d %s", status, body)
	}
	for n := range 6 {
		want := http.StatusUnauthorized
		if n == 5 {
			want = http.StatusTooManyRequests
		}
		if status, body := s.as(t, "", http.MethodPost, "/api/v1/session", `{"login":"lead","password":"guess"}`); status != want {
			t.Errorf("wrong password %d: %d %s", n+1, status, body)
		}
	}
}

// as sends a request with a token, "" for none.
func (s *server) as(t *testing.T, secret, method, path, body string) (int, string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, "http://"+s.http+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	if secret != "" {
		req.Header.Set("Authorization", "Bearer "+secret)
	}
	if body != "" {
		req.Header.Set("Content-Type", "application/json")
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	raw, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, string(raw)
}

// typed runs another command of the program with something on its standard
// input, and returns its standard output.
func (s *server) typed(t *testing.T, input string, args ...string) string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), program, args...)
	var out, problem bytes.Buffer
	cmd.Dir, cmd.Env, cmd.Stdin = "..", append(os.Environ(), s.env...), strings.NewReader(input)
	cmd.Stdout, cmd.Stderr = &out, &problem
	if err := cmd.Run(); err != nil {
		t.Fatalf("%v: %v\n%s", args, err, problem.String())
	}
	return out.String()
}

// A server that others could reach does not start without accounts.
func TestOpenToOthersOnlyWithAccounts(t *testing.T) {
	t.Parallel()
	s := prepare(t, "EARSHOT_TRANSCRIBE_ENGINE=none", "EARSHOT_SIP_LISTEN=127.0.0.1:0")
	_, port, _ := strings.Cut(s.http, ":")
	s.env = append(s.env, "EARSHOT_HTTP_LISTEN=0.0.0.0:"+port)
	if err := s.launch(); err != nil {
		t.Fatal(err)
	}
	select {
	case <-s.exited:
	case <-time.After(20 * time.Second):
		t.Fatal("it started")
	}
	if said := s.log.String(); !strings.Contains(said, "earshot accounts add --role admin") {
		t.Errorf("it says %s", said)
	}
	s.typed(t, "kettle-and-teapot\n", "accounts", "add", "boss", "--role", string(earshot.AccountAdmin))
	s.start(t)
	if status, _ := s.as(t, "", http.MethodGet, "/api/v1/calls", ""); status != http.StatusUnauthorized {
		t.Errorf("nobody gets %d", status)
	}
}
