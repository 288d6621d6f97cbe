package crmtest

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
)

// Tracker is a real Request Tracker, for a test to fill and to read.
type Tracker struct {
	T   testing.TB
	URL string
}

// Ask makes one request and decodes the answer.
func (s *Tracker) Ask(method, path string, in, out any) {
	s.T.Helper()
	body, err := json.Marshal(in)
	if err != nil {
		s.T.Fatal(err)
	}
	req, err := http.NewRequestWithContext(s.T.Context(), method, s.URL+"/REST/2.0"+path, bytes.NewReader(body))
	if err != nil {
		s.T.Fatal(err)
	}
	req.SetBasicAuth("root", Password)
	req.Header.Set("Content-Type", "application/json")
	req.Close = true
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		s.T.Fatal(err)
	}
	defer resp.Body.Close()
	raw, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode > 299 {
		s.T.Fatalf("%s %s: %s %s %v", method, path, resp.Status, raw, err)
	}
	if out == nil {
		return
	}
	if err := json.Unmarshal(raw, out); err != nil {
		s.T.Fatalf("%s %s: %v in %s", method, path, err, raw)
	}
}

// Comment is one as the tracker has it.
type Comment struct {
	Ticket, Key, Text string
	Minutes           string
}

// Comments returns those whose CallID holds a text, the oldest first.
func (s *Tracker) Comments(part string) []Comment {
	s.T.Helper()
	var found struct {
		Items []struct {
			ID        string `json:"id"`
			ObjectID  string `json:"ObjectId"`
			TimeTaken string
			Fields    []struct{ Values []string } `json:"CustomFields"`
		}
	}
	q := url.Values{"query": {"CF.{CallID} LIKE '" + part + "'"}, "per_page": {"100"}, "fields": {"ObjectId,TimeTaken,CustomFields"}, "orderby": {"id"}}
	s.Ask(http.MethodGet, "/transactions?"+q.Encode(), nil, &found)
	out := make([]Comment, 0, len(found.Items))
	for _, item := range found.Items {
		out = append(out, Comment{item.ObjectID, item.Fields[0].Values[0], s.text(item.ID), item.TimeTaken})
	}
	return out
}

func (s *Tracker) text(transaction string) string {
	s.T.Helper()
	var list struct {
		Items []struct {
			ID string `json:"id"`
		}
	}
	s.Ask(http.MethodGet, "/transaction/"+transaction+"/attachments", nil, &list)
	var a struct{ Content string }
	s.Ask(http.MethodGet, "/attachment/"+list.Items[0].ID, nil, &a)
	raw, err := base64.StdEncoding.DecodeString(strings.ReplaceAll(a.Content, "\n", ""))
	if err != nil {
		s.T.Fatal(err)
	}
	return string(raw)
}

// User makes a user with these fields.
func (s *Tracker) User(name string, fields map[string]any) {
	s.T.Helper()
	fields["Name"] = name
	s.Ask(http.MethodPost, "/user", fields, nil)
}

// Queue makes a queue.
func (s *Tracker) Queue(name string) {
	s.T.Helper()
	s.Ask(http.MethodPost, "/queue", map[string]string{"Name": name}, nil)
}
