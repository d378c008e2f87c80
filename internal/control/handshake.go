package control

import (
	"context"
	"errors"
	"strconv"
	"strings"

	"github.com/hashicorp/go-plugin"
	"google.golang.org/grpc"

	"github.com/hftrunner/hftrunner/internal/control/internal/pb"
)

const (
	// strategyPlugin is the name under which the one service of a plugin is dispensed.
	strategyPlugin = "strategy"
	// lifelineVariable names the descriptor of the lifeline: a pipe that reads end of file when the host is gone.
	lifelineVariable = "HFTRUNNER_LIFELINE_FD"
	// markVariable carries what tells the processes apart that a plugin has started.
	markVariable = "HFTRUNNER_PROCESS_MARK"
	// logLevelVariable carries the level of the host's logger, so that a plugin does not write what nobody reads.
	logLevelVariable = "HFTRUNNER_LOG_LEVEL"
	// messageLimit bounds one message of the control plane in bytes; saved state is what gets large.
	messageLimit = 64 << 20
)

// handshakeConfig shows a strategy process that a runner started it. It is not a secret and protects nothing.
func handshakeConfig() plugin.HandshakeConfig {
	return plugin.HandshakeConfig{
		MagicCookieKey:   "HFTRUNNER_STRATEGY_PLUGIN",
		MagicCookieValue: "4d1c7c0e-strategy",
	}
}

// versionedPlugins lists every version of the strategy API this build speaks. impl is nil on the host's side.
func versionedPlugins(impl Strategy) map[int]plugin.PluginSet {
	return map[int]plugin.PluginSet{APIVersion: {strategyPlugin: &grpcStrategy{impl: impl}}}
}

// grpcStrategy is the glue that go-plugin asks for.
type grpcStrategy struct {
	plugin.NetRPCUnsupportedPlugin
	impl Strategy
}

var _ plugin.GRPCPlugin = (*grpcStrategy)(nil)

// GRPCServer registers the plugin's end.
func (g *grpcStrategy) GRPCServer(_ *plugin.GRPCBroker, s *grpc.Server) error {
	if g.impl == nil {
		return errors.New("no strategy to serve")
	}
	pb.RegisterStrategyServer(s, &strategyServer{impl: g.impl})
	return nil
}

// GRPCClient returns the host's end.
func (g *grpcStrategy) GRPCClient(_ context.Context, _ *plugin.GRPCBroker, conn *grpc.ClientConn) (any, error) {
	return pb.NewStrategyClient(conn), nil
}

// handshakeLine is the first line of a plugin's standard output, CORE|APP|NETWORK|ADDRESS|..., as far as it is needed
// to say what is wrong with it.
type handshakeLine struct {
	apiVersion int
}

// parseHandshake returns ok false when the line is something else than a handshake.
func parseHandshake(line string) (h handshakeLine, ok bool) {
	fields := strings.Split(strings.TrimSpace(line), "|")
	if len(fields) < 4 || fields[0] != strconv.Itoa(plugin.CoreProtocolVersion) {
		return h, false
	}
	version, err := strconv.Atoi(fields[1])
	return handshakeLine{apiVersion: version}, err == nil
}
