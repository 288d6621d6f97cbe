package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"os"
	"strings"

	"earshot/cmd/earshot/config"
)

// ask sends a request to the API of a server, with the token of the
// environment if there is one.
func ask(ctx context.Context, method, target string, body io.Reader, header http.Header) (*http.Response, error) {
	req, err := http.NewRequestWithContext(ctx, method, target, body)
	if err != nil {
		return nil, err
	}
	maps.Copy(req.Header, header)
	if token := os.Getenv(config.TokenVariable); token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
	}
	return http.DefaultClient.Do(req)
}

// api returns the address of a server's API: the given one, else what the
// settings say.
func (e *env) api(given string) (string, error) {
	if given != "" {
		return strings.TrimSuffix(given, "/"), nil
	}
	cfg, err := e.load()
	if err != nil {
		return "", err
	}
	scheme := "http://"
	if cfg.HTTP.TLSCert != "" {
		scheme = "https://"
	}
	return scheme + cfg.HTTP.Listen, nil
}

// postJSON sends a document and reads the answer, or returns what the server
// says of why not.
func postJSON(ctx context.Context, target string, body, answer any) error {
	raw, err := json.Marshal(body)
	if err != nil {
		return err
	}
	resp, err := ask(ctx, http.MethodPost, target, bytes.NewReader(raw), http.Header{"Content-Type": {"application/json"}})
	if err != nil {
		return err
	}
	defer closeQuietly(resp.Body)
	if resp.StatusCode < 300 {
		return json.NewDecoder(resp.Body).Decode(answer)
	}
	var problem struct{ Detail string }
	if err := json.NewDecoder(resp.Body).Decode(&problem); err != nil || problem.Detail == "" {
		return fmt.Errorf("POST %s: %s", target, resp.Status)
	}
	return errors.New(problem.Detail)
}
