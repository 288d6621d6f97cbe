package main

import (
	"context"
	"io"
	"maps"
	"net/http"
	"os"

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
