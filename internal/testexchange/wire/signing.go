package wire

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
	"strings"
)

// Key is an account's signing key: a secret for HMAC, a public key for Ed25519, or either.
type Key struct {
	// Account is whose requests they are.
	Account string
	// APIKey is sent along.
	APIKey string
	// Secret signs with HMAC-SHA256; empty for a key that does not.
	Secret string
	// Public verifies Ed25519 signatures; nil for a key that does not use them.
	Public ed25519.PublicKey
	// ReadOnly keys may not trade.
	ReadOnly bool
}

// HMAC returns the lower-case hexadecimal HMAC-SHA256 of payload.
func HMAC(secret, payload string) string {
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write([]byte(payload))
	return hex.EncodeToString(mac.Sum(nil))
}

// Signed reports whether signature is that of payload: hexadecimal HMAC or base64 Ed25519, decoded from whatever the
// transport has put around it.
func (k *Key) Signed(payload, signature string) bool {
	return k.SignedHMAC(payload, signature) || k.SignedEd25519(payload, signature)
}

// SignedHMAC is Signed for a venue that knows HMAC only.
func (k *Key) SignedHMAC(payload, signature string) bool {
	return k.Secret != "" && hmac.Equal([]byte(HMAC(k.Secret, payload)), []byte(signature))
}

// SignedEd25519 is Signed for a request that needs an Ed25519 key.
func (k *Key) SignedEd25519(payload, signature string) bool {
	if k.Public == nil {
		return false
	}
	raw, err := base64.StdEncoding.DecodeString(signature)
	return err == nil && len(raw) == ed25519.SignatureSize && ed25519.Verify(k.Public, []byte(payload), raw)
}

// ParsePublicKey reads an Ed25519 public key as venues take it: PEM, or the base64 in it (SubjectPublicKeyInfo).
func ParsePublicKey(text string) (ed25519.PublicKey, error) {
	var der []byte
	if block, _ := pem.Decode([]byte(text)); block != nil {
		der = block.Bytes
	} else {
		var err error
		if der, err = base64.StdEncoding.DecodeString(strings.TrimSpace(text)); err != nil {
			return nil, fmt.Errorf("wire: public key: %w; must be PEM or base64", err)
		}
	}
	key, err := x509.ParsePKIXPublicKey(der)
	if err != nil {
		return nil, fmt.Errorf("wire: public key: %w", err)
	}
	public, ok := key.(ed25519.PublicKey)
	if !ok {
		return nil, errors.New("wire: public key: not an Ed25519 key; make one with openssl genpkey -algorithm ed25519")
	}
	return public, nil
}

// InWindow is the rule of all three venues for the time of a request, in any one unit for all four: less than ahead in
// the future, and not more than window ago.
func InWindow(now, timestamp, window, ahead int64) bool {
	return timestamp < now+ahead && now-timestamp <= window
}
