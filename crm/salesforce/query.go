package salesforce

import (
	"context"
	"net/url"
	"strings"
	"time"

	"earshot/crm/rest"
)

// record is what a query or a search gives.
type record struct {
	Attributes struct {
		Type string `json:"type"`
	} `json:"attributes"`
	ID          string `json:"Id"`
	Name        string `json:"Name"`
	CallObject  string `json:"CallObject"`
	AccountID   string `json:"AccountId"`
	Phone       string `json:"Phone"`
	MobilePhone string `json:"MobilePhone"`
	HomePhone   string `json:"HomePhone"`
	OtherPhone  string `json:"OtherPhone"`
}

// query asks in SOQL.
func (c *Connector) query(ctx context.Context, soql string) ([]record, error) {
	var out struct {
		Records []record `json:"records"`
	}
	_, err := c.client.Do(ctx, rest.Request{Path: api + "/query", Query: url.Values{"q": {soql}}, Out: &out})
	return out.Records, err
}

// there returns the IDs of the tasks that are there, by our keys. That they were
// made after the call, as their clock has it, keeps the query within an index.
func (c *Connector) there(ctx context.Context, started time.Time, keys []string) (map[string]string, error) {
	out := map[string]string{}
	for len(keys) > 0 {
		some := keys[:min(50, len(keys))] // a URL has its limit
		keys = keys[len(some):]
		quoted := make([]string, 0, len(some))
		for _, k := range some {
			quoted = append(quoted, quote(k))
		}
		list, err := c.query(ctx, "SELECT Id, CallObject FROM Task WHERE CallObject IN ("+strings.Join(quoted, ", ")+
			") AND CreatedDate >= "+started.UTC().AddDate(0, 0, -1).Format("2006-01-02T15:04:05Z")+" ORDER BY CreatedDate DESC")
		if err != nil {
			return nil, err
		}
		for _, r := range list {
			out[r.CallObject] = r.ID // of doubles the first
		}
	}
	return out, nil
}

// quote makes a string of SOQL
// (https://developer.salesforce.com/docs/atlas.en-us.soql_sosl.meta/soql_sosl/sforce_api_calls_soql_select_quotedstringescapes.htm).
func quote(s string) string {
	return "'" + strings.NewReplacer(`\`, `\\`, `'`, `\'`).Replace(s) + "'"
}

// phrase makes a phrase of SOSL, whose reserved characters are more
// (https://developer.salesforce.com/docs/atlas.en-us.soql_sosl.meta/soql_sosl/sforce_api_calls_sosl_find.htm).
func phrase(s string) string {
	var b strings.Builder
	for _, r := range s {
		if strings.ContainsRune(`?&|!{}[]()^~*:\"'+-`, r) {
			b.WriteByte('\\')
		}
		b.WriteRune(r)
	}
	return `"` + b.String() + `"`
}
