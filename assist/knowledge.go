package assist

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"maps"
	"math"
	"os"
	"path"
	"slices"
	"strings"
	"sync"

	"earshot"
	"earshot/spoken"
)

// maxArticle bounds an article in bytes.
const maxArticle = 4 << 20

// knowledge keeps the index up to a folder of articles and knows how frequent
// words are in them.
type knowledge struct {
	dir   string
	index Index
	log   *slog.Logger

	syncing sync.Mutex // one sync at a time

	mu       sync.RWMutex // guards what follows
	articles map[string]article
	words    *corpus
}

// article is what is known of an indexed file.
type article struct {
	stamp    stamp
	hash     [sha256.Size]byte
	passages []earshot.Passage
}

func newKnowledge(dir string, index Index, log *slog.Logger) *knowledge {
	return &knowledge{dir: dir, index: index, log: log, articles: map[string]article{}, words: newCorpus(nil)}
}

// sync indexes the files that are new or changed and forgets those that are
// gone. A file that can't be read does not stop the others.
func (k *knowledge) sync(ctx context.Context) error {
	if k.dir == "" {
		return nil
	}
	k.syncing.Lock()
	defer k.syncing.Unlock()
	files, err := k.files()
	if err != nil {
		return fmt.Errorf("read knowledge folder: %w", err)
	}
	k.mu.RLock()
	known := maps.Clone(k.articles)
	k.mu.RUnlock()
	var errs []error
	changed := 0
	for name, st := range files {
		if known[name].stamp == st {
			continue
		}
		a, err := k.read(ctx, name, st, known[name])
		if err != nil {
			errs = append(errs, fmt.Errorf("article %s: %w", name, err))
			continue
		}
		known[name] = a
		changed++
	}
	for name := range known {
		if _, there := files[name]; there {
			continue
		}
		if err := k.index.RemovePassages(ctx, name); err != nil {
			errs = append(errs, fmt.Errorf("remove article %s: %w", name, err))
			continue
		}
		delete(known, name)
		changed++
	}
	if changed > 0 {
		words := newCorpus(known)
		k.mu.Lock()
		k.articles, k.words = known, words
		k.mu.Unlock()
		k.log.Info("knowledge indexed", "articles", len(known), "passages", words.total, "changed", changed)
	}
	return errors.Join(errs...)
}

// files lists the articles by their path within the folder. Hidden files,
// links and what is too large are left out.
func (k *knowledge) files() (map[string]stamp, error) {
	out := map[string]stamp{}
	err := fs.WalkDir(os.DirFS(k.dir), ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if name != "." && strings.HasPrefix(d.Name(), ".") {
			if d.IsDir() {
				return fs.SkipDir
			}
			return nil
		}
		switch strings.ToLower(path.Ext(name)) {
		case ".md", ".markdown", ".txt", ".html", ".htm":
		default:
			return nil
		}
		info, err := d.Info()
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		if err != nil {
			return err
		}
		if info.Mode().IsRegular() && info.Size() <= maxArticle {
			out[name] = stampOfInfo(info)
		}
		return nil
	})
	return out, err
}

// read indexes one file, unless only its time changed.
func (k *knowledge) read(ctx context.Context, name string, st stamp, old article) (article, error) {
	data, err := fs.ReadFile(os.DirFS(k.dir), name)
	if err != nil {
		return article{}, err
	}
	hash := sha256.Sum256(data)
	if old.stamp != (stamp{}) && old.hash == hash {
		old.stamp = st
		return old, nil
	}
	a := article{stamp: st, hash: hash, passages: split(name, string(data))}
	if err := k.index.ReplacePassages(ctx, name, a.passages); err != nil {
		return article{}, err
	}
	return a, nil
}

// search returns the passages for a query. What the index still has of articles
// that were deleted while the server was down is removed from it.
func (k *knowledge) search(ctx context.Context, query string, n int) ([]earshot.Passage, error) {
	list, err := k.index.SearchPassages(ctx, query, n)
	if err != nil {
		return nil, fmt.Errorf("search knowledge: %w", err)
	}
	k.mu.RLock()
	articles := k.articles
	k.mu.RUnlock()
	var gone []string
	list = slices.DeleteFunc(slices.Clone(list), func(p earshot.Passage) bool {
		_, known := articles[p.Article]
		if !known && !slices.Contains(gone, p.Article) {
			gone = append(gone, p.Article)
		}
		return !known
	})
	for _, name := range gone {
		if err := k.index.RemovePassages(ctx, name); err != nil {
			return nil, fmt.Errorf("remove article %s: %w", name, err)
		}
	}
	return list, nil
}

func (k *knowledge) corpus() *corpus {
	k.mu.RLock()
	defer k.mu.RUnlock()
	return k.words
}

// corpus counts in how many passages each stem occurs. It never changes.
type corpus struct {
	total     int
	frequency map[string]int
	// long are the words of six letters and more, for those misheard.
	long []string
}

func newCorpus(articles map[string]article) *corpus {
	c := &corpus{frequency: map[string]int{}}
	long := map[string]bool{}
	for _, a := range articles {
		for _, p := range a.passages {
			c.total++
			seen := map[string]bool{}
			for _, w := range spoken.Terms(spoken.Words(p.Heading + ". " + p.Text)) {
				if s := spoken.Stem(w); !seen[s] {
					seen[s] = true
					c.frequency[s]++
				}
				if len(w) >= 6 {
					long[w] = true
				}
			}
		}
	}
	c.long = slices.Sorted(maps.Keys(long))
	return c
}

// weight is the inverse document frequency of a stem. A word that occurs
// nowhere says less than one that is rare: callers tell of much that no article
// is about.
func (c *corpus) weight(stem string) float64 {
	n, df := float64(c.total), float64(c.frequency[stem])
	if df == 0 {
		return 0.4 * math.Log(1+(n+0.5)/0.5)
	}
	return math.Log(1 + (n-df+0.5)/(df+0.5))
}

// heard returns the word of the articles that a word nobody wrote was probably
// meant to be, or the word itself.
func (c *corpus) heard(w string) string {
	if len(w) < 6 || c.frequency[spoken.Stem(w)] > 0 {
		return w
	}
	for _, l := range c.long {
		if l[0] == w[0] && spoken.Alike(l, w) {
			return l
		}
	}
	return w
}
