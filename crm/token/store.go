package token

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// keySize is that of AES-256, in bytes.
const keySize = 32

// Store keeps refresh tokens in a folder. It is safe for concurrent use as long
// as each name has one user.
type Store struct{ dir string }

// NewStore makes a store in a folder, which is made when something is stored.
func NewStore(dir string) *Store { return &Store{dir} }

// kept is what a file holds.
type kept struct {
	// Seed is the hash of the refresh token of the settings that this one came
	// of.
	Seed    string `json:"seed"`
	Refresh string `json:"refresh_token"`
}

func seedOf(configured string) string {
	sum := sha256.Sum256([]byte(configured))
	return hex.EncodeToString(sum[:])
}

// load returns the newest refresh token that came of the configured one, which
// may be that itself.
func (s *Store) load(name, configured string) (string, error) {
	sealed, err := os.ReadFile(s.file(name))
	if errors.Is(err, fs.ErrNotExist) {
		return configured, nil
	}
	if err != nil {
		return "", fmt.Errorf("read stored token: %w", err)
	}
	aead, err := s.aead(false)
	if err != nil {
		return "", err
	}
	if len(sealed) < aead.NonceSize() {
		return "", errors.New("read stored token: the file is too short")
	}
	raw, err := aead.Open(nil, sealed[:aead.NonceSize()], sealed[aead.NonceSize():], []byte(name))
	if err != nil {
		return "", errors.New("read stored token: it does not belong to the key beside it")
	}
	var k kept
	if json.Unmarshal(raw, &k) != nil || k.Refresh == "" {
		return "", errors.New("read stored token: it is malformed")
	}
	if k.Seed != seedOf(configured) {
		return configured, nil
	}
	return k.Refresh, nil
}

// save stores a refresh token so that it outlasts a crash.
func (s *Store) save(name, configured, refresh string) error {
	raw, err := json.Marshal(kept{Seed: seedOf(configured), Refresh: refresh})
	if err != nil {
		return fmt.Errorf("encode token: %w", err)
	}
	aead, err := s.aead(true)
	if err != nil {
		return err
	}
	nonce := make([]byte, aead.NonceSize())
	_, _ = rand.Read(nonce) // never fails
	if err := replace(s.file(name), aead.Seal(nonce, nonce, raw, []byte(name))); err != nil {
		return fmt.Errorf("store token: %w", err)
	}
	return nil
}

func (s *Store) file(name string) string { return filepath.Join(s.dir, name+".token") }

// aead returns the cipher of the folder's key, which is made if it is to be.
func (s *Store) aead(create bool) (cipher.AEAD, error) {
	file := filepath.Join(s.dir, "key")
	key, err := os.ReadFile(file)
	if errors.Is(err, fs.ErrNotExist) && create {
		if err := os.MkdirAll(s.dir, 0o700); err != nil {
			return nil, fmt.Errorf("make folder of tokens: %w", err)
		}
		key = make([]byte, keySize)
		_, _ = rand.Read(key) // never fails
		err = replace(file, key)
	}
	if err != nil {
		return nil, fmt.Errorf("read key of tokens: %w", err)
	}
	if len(key) != keySize {
		return nil, fmt.Errorf("read key of tokens: it has %d bytes, want %d", len(key), keySize)
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, fmt.Errorf("use key of tokens: %w", err)
	}
	return cipher.NewGCM(block)
}

// replace writes a file that only its owner reads; after a crash it is whole,
// the old one or the new one.
func replace(file string, raw []byte) error {
	f, err := os.CreateTemp(filepath.Dir(file), ".new-*") // mode 0600
	if err != nil {
		return err
	}
	defer os.Remove(f.Name())
	_, err = f.Write(raw)
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		return err
	}
	if err := os.Rename(f.Name(), file); err != nil {
		return err
	}
	dir, err := os.Open(filepath.Dir(file))
	if err != nil {
		return err
	}
	return errors.Join(dir.Sync(), dir.Close())
}
