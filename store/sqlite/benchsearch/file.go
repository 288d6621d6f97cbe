package main

import (
	"context"
	"database/sql"
	"fmt"
	"io"
	"strings"

	driver "modernc.org/sqlite"
)

// file is the store's file, read beside the store.
type file struct{ *sql.DB }

func openFile(ctx context.Context, path string) (file, error) {
	c, err := driver.NewConnector("file:" + path + "?mode=ro")
	if err != nil {
		return file{}, fmt.Errorf("open file: %w", err)
	}
	f := file{sql.OpenDB(c)}
	return f, f.PingContext(ctx)
}

// describe prints how large the file and its search index are, and in how many
// utterances each text of the mix is.
func (f file) describe(ctx context.Context, out io.Writer) error {
	var rows, size, index int64
	err := f.QueryRowContext(ctx, `SELECT (SELECT count(*) FROM utterances),
		(SELECT page_count * page_size FROM pragma_page_count, pragma_page_size),
		(SELECT sum(length(block)) FROM utterances_fts_data)`).Scan(&rows, &size, &index)
	if err != nil {
		return fmt.Errorf("size of the file: %w", err)
	}
	fmt.Fprintf(out, "%d utterances; the file has %d MB, the search index %d MB of them.\n\n", rows, size>>20, index>>20)
	fmt.Fprintln(out, "| text | share of utterances |")
	fmt.Fprintln(out, "|---|--:|")
	for _, list := range append(allWords, apart) {
		for _, text := range list {
			n, err := f.count(ctx, text)
			if err != nil {
				return fmt.Errorf("count %s: %w", text, err)
			}
			fmt.Fprintf(out, "| `%s` | %.3f %% |\n", text, 100*float64(n)/float64(rows))
		}
	}
	fmt.Fprintln(out)
	return nil
}

// count counts the utterances with a text.
func (f file) count(ctx context.Context, text string) (n int, err error) {
	if !strings.ContainsAny(text, `"*`) {
		text = `"` + strings.ReplaceAll(text, " ", `" "`) + `"`
	}
	err = f.QueryRowContext(ctx, `SELECT count(*) FROM utterances_fts WHERE utterances_fts MATCH ?`, text).Scan(&n)
	return n, err
}
