connector "binancefutures" "a" {
  network      = "mainnet"
  api_key      = env("BINANCE_API_KEY")
  dead_man     = "1s"
  order_prefix = "too-long"
  public_url   = "https://127.0.0.1/public"
  stream_url   = "wss://127.0.0.1"
}
connector "binancefutures" "b" {
  secret      = "do-not-show-me"
  market_url  = "wss://127.0.0.1?x=1"
}
connector "binancespot" "c" {
  network     = "main"
  order_entry = "ws"
}
connector "bybit" "d" {
  network     = "main"
  api_key     = env("BINANCE_API_KEY")
  secret      = file("secret.txt")
  depth_level = 70
  replay {
  }
}
connector "bybit" "e" {
  network     = "main"
  api_key     = env("BINANCE_API_KEY")
  secret      = file("secret.txt")
  recv_window = "2m"
  dead_man    = "10s"
}
strategy "x" {
  plugin = "obimm"
  instrument "d" "BTCUSDT" {
    tick_size = 0
  }
  backtest {
    data "BTCUSDT" {
      files = ["btc1.npz"]
    }
  }
}
strategy "y" {
  plugin = "obimm"
  instrument "d" "BTCUSDT" {
  }
  instrument "nowhere" "ETHUSDT" {
    tick_size = 0.1
  }
}
connector "binancefutures" "g" {
  network  = "main"
  api_key  = env("NOT_SET")
  secret   = "do-not-show-me"
  dead_man = "10s"
}
strategy "on-g" {
  plugin = "gridtrading"
  instrument "g" "BTCUSDT" {
  }
}
