package binanceapi

import (
	"crypto/ed25519"
	"crypto/hmac"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"fmt"
	"hash"
	"strings"
	"sync"
)

// Key is an API key with its secret. Any number of goroutines use it.
type Key struct {
	id      string
	ed25519 ed25519.PrivateKey // nil for HMAC
	macs    sync.Pool          // of *mac
}

// mac is an HMAC and the memory for its sum.
type mac struct {
	hash hash.Hash
	sum  [sha256.Size]byte
}

// NewKey returns a key. The secret is the venue's text for HMAC-SHA256, or an Ed25519 private key in PKCS#8, as PEM or
// as the base64 text of a PEM's body; which one it is shows in the text. RSA keys are an error: the venue has Ed25519
// for the same purpose and it is quicker.
func NewKey(id, secret string) (*Key, error) {
	id, secret = strings.TrimSpace(id), strings.TrimSpace(secret)
	if id == "" || secret == "" {
		return nil,
			errors.New("binanceapi: key and secret are both needed: create them in the account's API management")
	}
	for _, c := range []byte(id) {
		if c <= ' ' || c > '~' {
			return nil, errors.New("binanceapi: the key has an invalid character; check for copy-paste errors")
		}
	}
	k := &Key{id: id}
	der, isPEM, err := privateKeyBytes(secret)
	if err != nil {
		return nil, err
	}
	if der != nil {
		parsed, err := x509.ParsePKCS8PrivateKey(der)
		private, ok := parsed.(ed25519.PrivateKey)
		switch {
		case err == nil && ok:
			k.ed25519 = private
			return k, nil
		case err == nil:
			return nil,
				fmt.Errorf("binanceapi: the secret is a private key of type %T: use an Ed25519 key or an HMAC secret",
					parsed)
		case isPEM:
			return nil, errors.New("binanceapi: the secret is PEM but not a PKCS#8 private key: check that the block is complete and the private one")
		}
	}
	k.macs.New = func() any { return &mac{hash: hmac.New(sha256.New, []byte(secret))} }
	return k, nil
}

// privateKeyBytes returns the bytes that would be a private key, nil when the secret cannot be one.
func privateKeyBytes(secret string) (der []byte, isPEM bool, err error) {
	if strings.HasPrefix(secret, "-----BEGIN") {
		block, _ := pem.Decode([]byte(secret))
		if block == nil {
			return nil, true, errors.New("binanceapi: the secret begins like PEM but is not: check that it is complete, with its line breaks")
		}
		return block.Bytes, true, nil
	}
	der, err = base64.StdEncoding.DecodeString(secret)
	if err != nil || len(der) == 0 || der[0] != 0x30 { // a DER sequence
		return nil, false, nil
	}
	return der, false, nil
}

// ID returns the key's public part, which goes with each request.
func (k *Key) ID() string { return k.id }

// Ed25519 says whether the key signs with Ed25519, which the log-on of the WebSocket API needs.
func (k *Key) Ed25519() bool { return k.ed25519 != nil }

// String shows the kind of key and its last letters.
func (k *Key) String() string {
	kind, tail := "HMAC", ""
	if k.Ed25519() {
		kind = "Ed25519"
	}
	if len(k.id) > 12 {
		tail = k.id[len(k.id)-4:]
	}
	return kind + " key ..." + tail
}

// GoString is String: a secret is not for %#v either.
func (k *Key) GoString() string { return k.String() }

// Format is String for every verb: others would print the fields.
func (k *Key) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte(k.String())) }

// MarshalText is String, so that no encoder and no logger shows more.
func (k *Key) MarshalText() ([]byte, error) { return []byte(k.String()), nil }

// AppendSignature appends the signature of payload as the venue writes it in JSON: hex for HMAC, base64 for Ed25519.
func (k *Key) AppendSignature(dst, payload []byte) []byte {
	if k.ed25519 != nil {
		return base64.StdEncoding.AppendEncode(dst, ed25519.Sign(k.ed25519, payload))
	}
	m := k.macs.Get().(*mac)
	m.hash.Reset()
	m.hash.Write(payload)
	dst = hex.AppendEncode(dst, m.hash.Sum(m.sum[:0]))
	k.macs.Put(m)
	return dst
}
