package fault

import (
	"errors"
	"fmt"
	"hash/fnv"
	"maps"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

// Name names a kind of fault.
type Name string

// Faults of orders and of the user stream.
const (
	DropUserEvent      Name = "drop-user-event"
	DuplicateUserEvent Name = "duplicate-user-event"
	ReorderUserEvent   Name = "reorder-user-event"
	UserEventDelay     Name = "user-event-delay"
	AckDelay           Name = "ack-delay"
	AckLost            Name = "ack-lost"
	RepeatFilled       Name = "repeat-filled"
	UnknownField       Name = "unknown-field"
	UnknownStatus      Name = "unknown-status"
	UnknownEvent       Name = "unknown-event"
	HalfMessage        Name = "half-message"
	NullFeeAsset       Name = "null-fee-asset"
	EmptyLeaves        Name = "empty-leaves"
	ListenKeyExpired   Name = "listen-key-expired"
	ListenKeyUnknown   Name = "listen-key-unknown"
	SessionExpired     Name = "session-expired"
)

// Faults of replies.
const (
	RateLimited        Name = "http-429"
	Banned             Name = "http-418"
	Forbidden          Name = "http-403"
	UnavailableUnknown Name = "http-503-unknown"
	UnavailableFailed  Name = "http-503-failed"
	BackendTimeout     Name = "code-1007"
	Overload           Name = "code-1008"
	ReplyDelay         Name = "reply-delay"
)

// Faults of market data.
const (
	DepthGap         Name = "depth-gap"
	StaleSnapshot    Name = "stale-snapshot"
	AheadSnapshot    Name = "ahead-snapshot"
	SnapshotDelay    Name = "snapshot-delay"
	MidSnapshot      Name = "mid-snapshot"
	WrongSnapshot    Name = "wrong-snapshot"
	RestartSnapshot  Name = "restart-snapshot"
	ResubscribeError Name = "subscribe-error"
)

// Faults of connections.
const (
	CutConnections Name = "cut-connections"
	ServerShutdown Name = "server-shutdown"
	NoPings        Name = "no-pings"
	Silent         Name = "silent"
	StreamStops    Name = "stream-stops"
	HalfOpen       Name = "half-open"
	ResetMidFrame  Name = "reset-mid-frame"
	Fragment       Name = "fragment"
	RefuseConnect  Name = "refuse-connect"
)

// Names returns all names with what each fault does.
func Names() map[Name]string {
	return map[Name]string{
		DropUserEvent:      "an event of the user stream is not sent",
		DuplicateUserEvent: "an event of the user stream is sent twice",
		ReorderUserEvent:   "an event of the user stream is sent after the next one, or after Duration (100ms)",
		UserEventDelay:     "an event of the user stream, and all after it, is sent Duration (100ms) later",
		AckDelay:           "an order request is answered Duration (100ms) after its events went out",
		AckLost:            "an order request is carried out, and the connection closed after Duration without an answer",
		RepeatFilled:       "the final event of a filled order is sent twice",
		UnknownField:       "a message has a field that nobody knows",
		UnknownStatus:      "an order event is preceded by one with a status that nobody knows",
		UnknownEvent:       "a message is preceded by one of a type that nobody knows",
		HalfMessage:        "a message is preceded by its first half, which nobody can read",
		NullFeeAsset:       "the fee asset of an order event is null",
		EmptyLeaves:        "the quantity left of an order event is an empty text (Bybit)",
		ListenKeyExpired:   "all listen keys expire now; Count is 1 unless given",
		ListenKeyUnknown:   "a keep-alive of a listen key answers -1125 and the key is gone",
		SessionExpired:     "the subscription of user data ends with its terminating event; Count is 1 unless given",
		RateLimited:        "a request is refused with 429; Value is Retry-After in seconds (1)",
		Banned:             "a request is refused with 418; Value is Retry-After in seconds (120)",
		Forbidden:          "a request is refused with 403 and a page of HTML",
		UnavailableUnknown: "a request is answered 503 Unknown error; it is carried out with Value 1, not with 2, by chance without",
		UnavailableFailed:  "a request is refused with 503 Service Unavailable.",
		BackendTimeout:     "a request is answered -1007, status unknown; Value as for http-503-unknown",
		Overload:           "an order request is refused with -1008",
		ReplyDelay:         "a request is answered Duration (100ms) later",
		DepthGap:           "Value (1) depth updates of a stream are left out",
		StaleSnapshot:      "a snapshot is older than every update since the exchange is up",
		AheadSnapshot:      "a snapshot is newer than every update sent, which follow after Duration (500ms)",
		SnapshotDelay:      "a snapshot is sent Duration (100ms) after it was taken",
		MidSnapshot:        "a stream of updates sends a snapshot in between (Bybit)",
		WrongSnapshot:      "a stream of updates sends its book once more, with another quantity of its last bid (Bybit)",
		RestartSnapshot:    "a stream of updates starts again with a snapshot of id 1 (Bybit)",
		ResubscribeError:   "a request to subscribe is refused",
		CutConnections:     "all WebSocket connections are closed, as after 24 hours; Count is 1 unless given",
		ServerShutdown:     "serverShutdown is sent, and the connections are closed after Duration (10s); Count is 1 unless given",
		NoPings:            "a ping of the server is left out",
		Silent:             "a message to a connection is not sent, acknowledgements are",
		StreamStops:        "a stream stops on a connection, which goes on with its others, until it is subscribed again",
		HalfOpen:           "a connection stays open but is dead: nothing is sent, not even a pong, and incoming data is lost",
		ResetMidFrame:      "a connection is reset in the middle of a frame",
		Fragment:           "a message is sent in Value (3) frames",
		RefuseConnect:      "a WebSocket handshake is refused with 503",
	}
}

// once are the faults that are actions: armed without a count, they happen once.
func once(n Name) bool {
	switch n {
	case ListenKeyExpired, SessionExpired, CutConnections, ServerShutdown:
		return true
	}
	return false
}

// Fault configures when one kind of fault happens.
type Fault struct {
	Name Name `json:"name"`
	// Probability of each opportunity, 0 for 1.
	Probability float64 `json:"probability,omitempty"`
	// Count bounds how often it happens, 0 for no bound.
	Count int `json:"count,omitempty"`
	// After is the number of opportunities that pass before the first.
	After int `json:"after,omitempty"`
	// Duration is its duration; Names describes its meaning, and that of 0.
	Duration time.Duration `json:"duration,omitempty"`
	// Value is a number with a meaning of its own; see Names.
	Value int `json:"value,omitempty"`
	// Only restricts the fault to opportunities whose description contains it: "POST /fapi/v1/order" for requests,
	// a method of a WebSocket API, a stream's name, or an event's type.
	Only string `json:"only,omitempty"`
}

// DurationOr returns Duration, or otherwise when it is 0.
func (f Fault) DurationOr(otherwise time.Duration) time.Duration {
	if f.Duration == 0 {
		return otherwise
	}
	return f.Duration
}

// ValueOr returns Value, or otherwise when it is 0.
func (f Fault) ValueOr(otherwise int) int {
	if f.Value == 0 {
		return otherwise
	}
	return f.Value
}

// ErrUnknown reports that a name is none of Names.
var ErrUnknown = errors.New("fault: unknown name")

// check returns what is wrong with a fault.
func (f Fault) check() error {
	if _, ok := Names()[f.Name]; !ok {
		return fmt.Errorf("%w %q: use one of %s", ErrUnknown, f.Name, join(slices.Sorted(maps.Keys(Names()))))
	}
	if !(f.Probability >= 0 && f.Probability <= 1) || f.Count < 0 || f.After < 0 || f.Duration < 0 || f.Value < 0 {
		return fmt.Errorf("fault: %s: must have a probability from 0 to 1, and 0 or more for count, after, duration and value", f.Name)
	}
	return nil
}

func join(names []Name) string {
	var b strings.Builder
	for i, n := range names {
		if i > 0 {
			b.WriteString(", ")
		}
		b.WriteString(string(n))
	}
	return b.String()
}

// Parse reads a fault from text as the command line has it: a name, then after = a probability or settings separated by
// commas: "ack-lost", "drop-user-event=0.1", "depth-gap=count:2,after:100,value:3",
// "ack-delay=p:0.5,for:50ms,only:POST".
func Parse(text string) (Fault, error) {
	name, settings, has := strings.Cut(text, "=")
	f := Fault{Name: Name(name)}
	if has {
		for setting := range strings.SplitSeq(settings, ",") {
			if err := f.set(setting); err != nil {
				return f, fmt.Errorf("fault: %s: %q: %w", name, setting, err)
			}
		}
	}
	return f, f.check()
}

func (f *Fault) set(setting string) (err error) {
	key, value, named := strings.Cut(setting, ":")
	if !named {
		key, value = "p", setting
	}
	switch key {
	case "p":
		f.Probability, err = strconv.ParseFloat(value, 64)
		if err == nil && f.Probability == 0 {
			return errors.New("a probability of 0 does nothing; leave the fault away")
		}
	case "count":
		f.Count, err = strconv.Atoi(value)
	case "after":
		f.After, err = strconv.Atoi(value)
	case "value":
		f.Value, err = strconv.Atoi(value)
	case "for":
		f.Duration, err = time.ParseDuration(value)
	case "only":
		f.Only = value
	default:
		return errors.New("use p, count, after, value, for or only")
	}
	return err
}

// Status is a fault with what it has done.
type Status struct {
	Fault
	// Opportunities and Hits count what it was asked and what it did.
	Opportunities int `json:"opportunities"`
	Hits          int `json:"hits"`
}

type armed struct {
	Status
	random *rand.Rand
}

// Set is the faults of one exchange.
type Set struct {
	seed uint64

	mu    sync.Mutex
	armed map[Name]*armed
}

// NewSet returns a set without faults. The seed chooses which opportunities are hit.
func NewSet(seed uint64) *Set { return &Set{seed: seed, armed: map[Name]*armed{}} }

// Arm adds a fault, in place of one with the same name.
func (s *Set) Arm(f Fault) error {
	if err := f.check(); err != nil {
		return err
	}
	if f.Probability == 0 {
		f.Probability = 1
	}
	if f.Count == 0 && once(f.Name) {
		f.Count = 1
	}
	h := fnv.New64a()
	h.Write([]byte(f.Name))
	s.mu.Lock()
	defer s.mu.Unlock()
	s.armed[f.Name] = &armed{Status: Status{Fault: f}, random: rand.New(rand.NewPCG(s.seed, h.Sum64()))}
	return nil
}

// Clear removes a fault, all of them for an empty name.
func (s *Set) Clear(name Name) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if name == "" {
		clear(s.armed)
	}
	delete(s.armed, name)
}

// Hit reports whether a fault happens at this opportunity, and returns it. what describes the opportunity for
// Fault.Only.
func (s *Set) Hit(name Name, what string) (Fault, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	a := s.armed[name]
	if a == nil || a.Count > 0 && a.Hits >= a.Count || !strings.Contains(what, a.Only) {
		return Fault{}, false
	}
	a.Opportunities++
	if a.Opportunities <= a.After || a.random.Float64() >= a.Probability {
		return Fault{}, false
	}
	a.Hits++
	return a.Fault, true
}

// Coin is a throw of the fault's own dice: whether to carry out a request whose outcome stays unknown.
func (s *Set) Coin(name Name) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	a := s.armed[name]
	return a != nil && a.random.IntN(2) == 0
}

// Armed returns the faults with their counts, by name.
func (s *Set) Armed() []Status {
	s.mu.Lock()
	defer s.mu.Unlock()
	list := make([]Status, 0, len(s.armed))
	for _, name := range slices.Sorted(maps.Keys(s.armed)) {
		list = append(list, s.armed[name].Status)
	}
	return list
}
