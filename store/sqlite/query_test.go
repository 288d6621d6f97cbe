package sqlite

import (
	"database/sql"
	"strings"
	"testing"

	driver "modernc.org/sqlite"

	"earshot/store/storetest"
)

func TestMatch(t *testing.T) {
	for text, want := range map[string][2]string{
		`Two words`:         {`"Two" "words"`, `"Two" OR "words"`},
		`"a phrase" more`:   {`"a phrase" "more"`, `"a" OR "phrase" OR "more"`},
		`begin* "b c"*`:     {`"begin"* "b c"*`, `"begin" OR "b" OR "c"`},
		`it's "it's" it""s`: {`"it's" "it's" "it" "s"`, `"it's" OR "it" OR "s"`},
		`a AND (b)`:         {`"a" "AND" "(b)"`, `"a" OR "AND" OR "(b)"`},
		`Same SAME same`:    {`"Same" "SAME" "same"`, `"Same"`},
		`w* 日*`:             {`"w" "日"*`, `"w" OR "日"`},
		` ?! "" * `:         {``, ``},
	} {
		if got := matchAll(text); got != want[0] {
			t.Errorf("matchAll(%s) = %s, want %s", text, got, want[0])
		}
		if got := matchAny(text); got != want[1] {
			t.Errorf("matchAny(%s) = %s, want %s", text, got, want[1])
		}
	}
	if n := len(parseTerms(strings.Repeat("word ", 5000))); n != maxTerms {
		t.Errorf("%d terms, want %d at the most", n, maxTerms)
	}
}

// FuzzMatch gives FTS5 what becomes of any text: it must be a valid query, and
// a text must be found by itself unless it is cut or has no word.
func FuzzMatch(f *testing.F) {
	c, err := driver.NewConnector("file::memory:")
	if err != nil {
		f.Fatal(err)
	}
	db := sql.OpenDB(c)
	db.SetMaxOpenConns(1)
	defer db.Close()
	if _, err := db.ExecContext(f.Context(), `CREATE VIRTUAL TABLE x USING fts5 (text, tokenize = 'unicode61 remove_diacritics 2')`); err != nil {
		f.Fatal(err)
	}
	for _, text := range storetest.Hostile() {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if _, err := db.ExecContext(t.Context(), `INSERT OR REPLACE INTO x (rowid, text) VALUES (1, ?)`, text); err != nil {
			t.Fatal(err)
		}
		for _, match := range []string{matchAll(text), matchAny(text)} {
			if match == "" {
				continue
			}
			var n int
			if err := db.QueryRowContext(t.Context(), `SELECT count(*) FROM x WHERE x MATCH ?`, match).Scan(&n); err != nil {
				t.Errorf("%q became %s: %v", text, match, err)
			}
			if n == 0 && isPlain(text) {
				t.Errorf("%q is not found by %s", text, match)
			}
		}
	})
}

// isPlain reports whether a text is letters and spaces, and short.
func isPlain(text string) bool {
	return len(text) < maxQuery && !strings.ContainsFunc(text, func(r rune) bool {
		return (r < 'a' || r > 'z') && r != ' '
	})
}
