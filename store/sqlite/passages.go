package sqlite

import (
	"context"
	"fmt"
	"math"

	"earshot"
)

// ReplacePassages replaces the passages of an article.
func (s *Store) ReplacePassages(ctx context.Context, article string, list []earshot.Passage) error {
	var b batch
	b.add(`DELETE FROM passages WHERE article = ?`, article)
	for _, p := range list {
		b.add(`INSERT INTO passages (id, article, heading, text) VALUES (?, ?, ?, ?)`, p.ID, article, p.Heading, p.Text)
	}
	_, err := s.write(ctx, func(t *tx) ([]earshot.Event, error) { return b.run(t, nil) })
	return writeError("replace passages", err)
}

// RemovePassages removes the passages of an article.
func (s *Store) RemovePassages(ctx context.Context, article string) error {
	_, err := s.exec(ctx, `DELETE FROM passages WHERE article = ?`, article)
	return writeError("remove passages", err)
}

// SearchPassages returns the n passages that answer the query best. Not every
// word must occur. Score is between 0 and 1 and does not depend on how many
// passages there are: a matching word that stands in no other passage makes
// about 0.5, two such words 0.67, three 0.75; a frequent word makes less, and
// a word of the heading counts double.
func (s *Store) SearchPassages(ctx context.Context, query string, n int) ([]earshot.Passage, error) {
	match := matchAny(query)
	if match == "" || n <= 0 {
		return []earshot.Passage{}, nil
	}
	list, err := collect(ctx, s.reader, func(row scanner) (earshot.Passage, error) {
		var p earshot.Passage
		var total float64
		if err := row.Scan(&p.ID, &p.Article, &p.Heading, &p.Text, &p.Score, &total); err != nil {
			return p, err
		}
		p.Score = passageScore(-p.Score, total)
		return p, nil
	}, `SELECT p.id, p.article, p.heading, p.text, m.score, (SELECT count(*) FROM passages)
		FROM (SELECT rowid AS n, bm25(passages_fts, 2.0, 1.0) AS score FROM passages_fts
			WHERE passages_fts MATCH ? ORDER BY score LIMIT ?) m
		JOIN passages p ON p.n = m.n ORDER BY m.score, p.n`, match, n)
	if err != nil {
		return nil, fmt.Errorf("search passages: %w", err)
	}
	return list, nil
}

// passageScore makes FTS5's bm25 comparable between knowledge bases: divided
// by the inverse document frequency of a word in one of total passages it is
// about the number of such words that match.
func passageScore(bm25, total float64) float64 {
	const least = 1e-6 // what FTS5 gives a word in half of the passages or more
	words := bm25 / max(math.Log((total-0.5)/1.5), least)
	return words / (words + 1)
}
