package soak

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"net"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/hftrunner/hftrunner/connector/venue"
	"github.com/hftrunner/hftrunner/hft"
	"github.com/hftrunner/hftrunner/internal/testexchange"
)

// forger stands between a connector and an exchange and changes numbers in what the exchange says about orders and
// positions, without a change of length: private stream, answers over REST and over WebSocket. Market data passes as it
// is.
type forger struct {
	listener net.Listener
	to       string
	work     sync.WaitGroup

	log func(format string, args ...any)

	mu     sync.Mutex
	random *rand.Rand
	conns  map[net.Conn]bool
	// wrong describes what becomes of a number, nil to let it pass. stream is false for an answer.
	wrong   func(key string, number []byte, stream bool) []byte
	changed map[string]int // by key
}

func newForger(t *testing.T, s subject, e *testexchange.Exchange) *forger {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p := &forger{listener: l, log: t.Logf, to: e.Address(s.name), random: rand.New(rand.NewPCG(soakSeed(t), 5)),
		conns: map[net.Conn]bool{}, changed: map[string]int{}}
	p.work.Go(p.accept)
	t.Cleanup(p.close)
	return p
}

func (p *forger) close() {
	_ = p.listener.Close() // ends accept
	p.mu.Lock()
	for c := range p.conns {
		_ = c.Close() // ends its copies
	}
	p.mu.Unlock()
	p.work.Wait()
}

func (p *forger) accept() {
	for {
		client, err := p.listener.Accept()
		if err != nil {
			return
		}
		server, err := net.Dial("tcp", p.to)
		if err != nil {
			_ = client.Close()
			continue
		}
		p.mu.Lock()
		p.conns[client], p.conns[server] = true, true
		p.mu.Unlock()
		var head headWatch
		p.work.Go(func() { p.copy(server, client, head.see) })
		p.work.Go(func() {
			p.copy(client, server, func(chunk []byte) {
				if market, stream := head.kind(); !market {
					p.change(chunk, stream)
				}
			})
		})
	}
}

// copy copies what comes from one side to the other, after see has seen it.
func (p *forger) copy(to, from net.Conn, see func(chunk []byte)) {
	defer to.Close()
	defer from.Close()
	buf := make([]byte, 1<<20)
	for {
		n, err := from.Read(buf)
		if n > 0 {
			time.Sleep(time.Millisecond) // a message is mostly whole then
			see(buf[:n])
			if _, err := to.Write(buf[:n]); err != nil {
				return
			}
		}
		if err != nil {
			return
		}
	}
}

// headWatch remembers how a connection began.
type headWatch struct {
	mu   sync.Mutex
	head []byte
}

func (h *headWatch) see(chunk []byte) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if len(h.head) == 0 {
		h.head = bytes.Clone(chunk)
	}
}

// kind reports whether the connection brings market data, and whether it is a private stream.
func (h *headWatch) kind() (market, stream bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	path, _, _ := strings.Cut(strings.TrimPrefix(string(h.head), "GET "), " ")
	webSocket := bytes.Contains(bytes.ToLower(h.head), []byte("upgrade: websocket"))
	own := strings.Contains(path, "private") || strings.Contains(path, "ws-") || strings.Contains(path, "trade")
	return webSocket && !own, webSocket
}

// numbers are an exchange's fields of orders and positions, by the names of all venues.
var numbers = regexp.MustCompile(`"(z|l|L|q|p|ap|Z|n|pa|executedQty|cumQty|origQty|avgPrice|price|qty|commission|cummulativeQuoteQty|quoteQty|Y|positionAmt|` +
	`cumExecQty|leavesQty|execQty|execPrice|execFee|execValue|cumExecValue|size)":"?(-?[0-9][0-9.]*)`)

func (p *forger) change(chunk []byte, stream bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.wrong == nil {
		return
	}
	for _, at := range numbers.FindAllSubmatchIndex(chunk, -1) {
		key, number := string(chunk[at[2]:at[3]]), chunk[at[4]:at[5]]
		if wrong := p.wrong(key, bytes.Clone(number), stream); len(wrong) == len(number) &&
			!bytes.Equal(wrong, number) {
			p.log("%s of %s becomes %s", key, number, wrong)
			copy(number, wrong)
			p.changed[key]++
		}
	}
}

// set changes what becomes of numbers.
func (p *forger) set(wrong func(key string, number []byte, stream bool) []byte) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.wrong = wrong
}

func (p *forger) count() (n int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, k := range p.changed {
		n += k
	}
	return n
}

// garble makes another number of the same length: one digit, all of them, the sign, nothing, or what is none.
func garble(random *rand.Rand, number []byte) []byte {
	switch random.IntN(6) {
	case 0, 1:
		if i := random.IntN(len(number)); number[i] != '.' {
			number[i] = byte('0' + random.IntN(10))
		}
	case 2:
		for i := range number {
			if number[i] != '.' {
				number[i] = byte('0' + random.IntN(10))
			}
		}
	case 3:
		number[0] = '-'
	case 4:
		for i := range number {
			if number[i] != '.' {
				number[i] = '0'
			}
		}
	case 5:
		copy(number, "1e308")
	}
	return number
}

// stopped reports whether an instrument takes no new orders, by the last event about it.
func (r *run) stopped() string {
	text := ""
	for _, e := range r.Errors() {
		switch {
		case e.Kind != hft.CustomKind:
		case e.Code == venue.CodeStopped:
			text = e.Val.String()
		case e.Code == venue.CodeResumed:
			text = ""
		}
	}
	return text
}

// behindForger is open with a forger between.
func behindForger(t *testing.T, s subject, entry string) (*scene, *forger) {
	t.Helper()
	e := still(t, s, nil)
	p := newForger(t, s, e)
	sc := stageAt(t, s, e, settings{options: options{address: p.listener.Addr().String(), entry: entry},
		pace: venue.Pace{AuditInterval: time.Second}})
	sc.wait("the books are ready", sc.ready)
	return sc, p
}

// TestWrongNumbersOnce: one number of the private stream is wrong, or of the answers, each of all in turn, and the
// executions are the exchange's all the same.
func TestWrongNumbersOnce(t *testing.T) {
	each(t, nil, func(t *testing.T, s subject) {
		for _, entry := range s.entries(1) {
			t.Run(entry, func(t *testing.T) {
				t.Parallel()
				sc, p := behindForger(t, s, entry)
				seen := map[string]bool{}
				for round := range 16 {
					time.Sleep(250 * time.Millisecond) // the venue takes ten orders a second
					done := false
					p.set(func(key string, number []byte, stream bool) []byte {
						name := fmt.Sprint(key, stream, round%2)
						if done || seen[name] {
							return nil
						}
						seen[name], done = true, true
						if round%2 == 0 {
							return nines(number)
						}
						return garble(p.random, number)
					})
					sc.becomes(sc.submit(sc.taking()), hft.StatusFilled)
					resting := sc.submit(sc.resting())
					sc.becomes(resting, hft.StatusNew)
					sc.becomes(sc.cancelOrder(resting), hft.StatusCanceled)
				}
				p.set(nil)
				if n := p.count(); n < 6 {
					t.Errorf("%d numbers were changed", n)
				}
				if text := sc.stopped(); text == "" {
					sc.agrees()
				} else {
					t.Log(text)
				}
				t.Logf("changed %v", p.changed)
			})
		}
	})
}

// nines is a number with nines for its digits.
func nines(number []byte) []byte {
	for i := range number {
		if number[i] != '.' {
			number[i] = '9'
		}
	}
	return number
}

// TestWrongNumbersForLong: numbers are wrong by chance on all channels while bots trade. In the end the executions are
// the exchange's, or the instrument accepts no new orders.
func TestWrongNumbersForLong(t *testing.T) {
	for _, s := range subjects() {
		t.Run(string(s.name), func(t *testing.T) {
			seed := soakSeed(t)
			e, err := testexchange.Start(testexchange.Config{Venues: []testexchange.Venue{s.name}, Seed: seed,
				EventsPerSecond: 300, PingInterval: time.Second, OrdersPerMinute: 6000})
			if err != nil {
				t.Fatal(err)
			}
			defer e.Close()
			p := newForger(t, s, e)
			defer p.close()
			r := startAt(t, s, e, seed, p.listener.Addr().String())
			eventually(t, "the books are ready", r.ready)
			p.set(func(_ string, number []byte, _ bool) []byte {
				if p.random.IntN(50) > 0 {
					return nil
				}
				return garble(p.random, number)
			})
			for began := time.Now(); time.Since(began) < soakTime(t); time.Sleep(5 * time.Millisecond) {
				for _, b := range r.bots {
					if b.random.IntN(b.patience) == 0 {
						b.act()
					}
				}
			}
			p.set(nil)
			t.Logf("changed %v", p.changed)
			settle(t, s, e, r)
			time.Sleep(2 * time.Second) // answers that contradict what was told are asked for
			if text := r.stopped(); text != "" {
				t.Logf("stopped: %s", text)
			} else {
				compare(t, s, e, r, func(halted bool) {
					if err := e.Halt(s.name, halted); err != nil {
						t.Fatal(err)
					}
				})
			}
			r.end(t)
		})
	}
}

// TestWrongNumbersForGood: the stream and the answers agree in what cannot be true. The instrument takes no new orders,
// cancels are sent, and it goes on when the answers can be true.
func TestWrongNumbersForGood(t *testing.T) {
	each(t, nil, func(t *testing.T, s subject) {
		sc, p := behindForger(t, s, "rest")
		p.set(func(key string, number []byte, _ bool) []byte {
			switch key {
			case "z", "executedQty", "cumExecQty": // the order is of 0.01
				return append([]byte("9."), bytes.Repeat([]byte("0"), max(len(number)-2, 0))...)[:len(number)]
			}
			return nil
		})
		o := sc.submit(sc.taking())
		sc.wait("the instrument accepts no new orders", func() bool { return sc.stopped() != "" })
		for _, part := range []string{"BTCUSDT", "cumulative quantity", "9", "Check the order"} {
			if !strings.Contains(sc.stopped(), part) {
				t.Errorf("%q is not in %q", part, sc.stopped())
			}
		}
		refused := sc.submit(sc.taking())
		sc.becomes(refused, hft.StatusExpired)
		if u, _ := sc.last(o); u.ExecQty > 0.01 { // an execution by itself can be true
			t.Errorf("an execution was made up: %+v", u)
		}
		p.set(nil)
		sc.becomes(o, hft.StatusFilled)
		sc.wait("it goes on", func() bool { return sc.stopped() == "" })
		sc.becomes(sc.submit(sc.taking()), hft.StatusFilled)
		delete(sc.sent, refused.OrderID)
		sc.agrees()
	})
}
