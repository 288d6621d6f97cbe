package sqlite

import (
	"context"
	"encoding/json"
	"fmt"

	"earshot"
)

// feedback writes what was made of suggestions.
func (b *batch) feedback(list []earshot.Feedback) error {
	for _, v := range list {
		doc, err := json.Marshal(v)
		if err != nil {
			return fmt.Errorf("encode feedback: %w", err)
		}
		b.add(`INSERT INTO feedback (suggestion_id, call_id, rule, article, verdict, doc) VALUES (?, ?, ?, ?, ?, ?)
			ON CONFLICT (suggestion_id) DO UPDATE SET verdict = excluded.verdict, doc = excluded.doc`,
			string(v.SuggestionID), string(v.CallID), v.Rule, v.Article, string(v.Verdict), string(doc))
	}
	return nil
}

// FeedbackCounts counts the verdicts by rule and article, those most often said
// to be wrong first.
func (s *Store) FeedbackCounts(ctx context.Context) ([]earshot.FeedbackCount, error) {
	list, err := collect(ctx, s.reader, func(row scanner) (earshot.FeedbackCount, error) {
		var c earshot.FeedbackCount
		err := row.Scan(&c.Rule, &c.Article, &c.Used, &c.Dismissed, &c.Wrong)
		return c, err
	}, `SELECT rule, article, sum(verdict = 'used'), sum(verdict = 'dismissed'), sum(verdict = 'wrong') FROM feedback
		GROUP BY rule, article ORDER BY 5 DESC, 4 DESC, 3 DESC, rule, article`)
	return list, readError("feedback", err)
}

// scanSuggestion reads a suggestion and the verdict on it.
func scanSuggestion(row scanner) (earshot.Suggestion, error) {
	var v earshot.Suggestion
	var doc, verdict []byte
	if err := row.Scan(&doc, &verdict); err != nil {
		return v, err
	}
	if err := json.Unmarshal(doc, &v); err != nil {
		return v, err
	}
	return v, json.Unmarshal(verdict, &v.Feedback)
}
