# The way to a live venue, tried on this machine and without a key: an exchange that speaks the protocol of Binance USD-M
# futures, and the live connector.
#
#   bin/testexchange --venue binancefutures --listen 127.0.0.1:9001
#   bin/runner check bf --config examples/live.hcl
#   bin/runner run --config examples/live.hcl
#
# Stop the exchange meanwhile and start it again: the books are empty until it is back, and orders and positions are then
# what the exchange says.
#
# For the venue itself replace the five addresses by network = "testnet" or network = "main", and key and secret by
# env("BINANCE_API_KEY") and env("BINANCE_SECRET").

runner {
  plugin_dir = "bin/plugins"
  state_dir  = "state"
}

connector "binancefutures" "bf" {
  public_url  = "ws://${env("TESTEXCHANGE", "127.0.0.1:9001")}/public"
  market_url  = "ws://${env("TESTEXCHANGE", "127.0.0.1:9001")}/market"
  private_url = "ws://${env("TESTEXCHANGE", "127.0.0.1:9001")}/private"
  ws_api_url  = "ws://${env("TESTEXCHANGE", "127.0.0.1:9001")}/ws-fapi/v1"
  api_url     = "http://${env("TESTEXCHANGE", "127.0.0.1:9001")}"
  api_key     = env("TESTEXCHANGE_KEY", "test-key")
  secret      = env("TESTEXCHANGE_SECRET", "test-secret")
  dead_man    = "30s"
}

strategy "grid-btc" {
  plugin = "gridtrading"
  # The steps of prices and quantities are the venue's.
  instrument "bf" "BTCUSDT" {
  }
  params {
    relative_half_spread   = 0.0005
    relative_grid_interval = 0.0005
    grid_num               = 10
    skew                   = 0.00005
    order_qty              = 0.01
    max_position           = 0.1
  }
}
