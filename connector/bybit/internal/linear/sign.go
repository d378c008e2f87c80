package linear

import (
	"crypto"
	"crypto/hmac"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"strconv"
	"strings"
)

// signer signs texts with the account's secret. The zero value has none.
type signer struct {
	secret []byte
	rsaKey *rsa.PrivateKey
}

var errSecret = errors.New("the Secret is a PEM block without an RSA private key (PKCS #8 or PKCS #1)")

func newSigner(key, secret string) (signer, error) {
	if !strings.HasPrefix(strings.TrimSpace(secret), "-----BEGIN ") {
		return signer{secret: []byte(secret)}, nil
	}
	block, _ := pem.Decode([]byte(secret))
	if block == nil {
		return signer{}, errSecret
	}
	if parsed, err := x509.ParsePKCS8PrivateKey(block.Bytes); err == nil {
		if rsaKey, ok := parsed.(*rsa.PrivateKey); ok {
			return signer{rsaKey: rsaKey}, nil
		}
		return signer{}, errSecret
	}
	rsaKey, err := x509.ParsePKCS1PrivateKey(block.Bytes)
	if err != nil {
		return signer{}, errSecret // not err: it might say something about the secret
	}
	return signer{rsaKey: rsaKey}, nil
}

// text returns the signature: HMAC-SHA256 in hex, or RSA with SHA-256 in base64.
func (s signer) text(payload string) (string, error) {
	if s.rsaKey == nil {
		mac := hmac.New(sha256.New, s.secret)
		mac.Write([]byte(payload))
		return hex.EncodeToString(mac.Sum(nil)), nil
	}
	sum := sha256.Sum256([]byte(payload))
	signature, err := rsa.SignPKCS1v15(rand.Reader, s.rsaKey, crypto.SHA256, sum[:])
	return base64.StdEncoding.EncodeToString(signature), err
}

// signREST signs a request: the payload is the query as it stands in the URL, or the body's bytes.
func (p *Protocol) signREST(timestampMs, payload string) (string, error) {
	return p.sign.text(timestampMs + p.config.APIKey + p.recvWindow + payload)
}

// authFrame logs on to a WebSocket; it is good until expiresMs.
func (p *Protocol) authFrame(expiresMs int64) ([]byte, error) {
	signature, err := p.sign.text("GET/realtime" + strconv.FormatInt(expiresMs, 10))
	if err != nil {
		return nil, err
	}
	return marshal(struct {
		Op   string `json:"op"`
		Args [3]any `json:"args"`
	}{"auth", [3]any{p.config.APIKey, expiresMs, signature}}), nil
}
