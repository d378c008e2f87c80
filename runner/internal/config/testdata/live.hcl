connector "binancefutures" "bf" {
  network  = "testnet"
  api_key  = env("BINANCE_API_KEY")
  secret   = file("secret.txt")
  dead_man = "30s"
}
connector "binancespot" "spot" {
  network      = "main"
  api_url      = "http://127.0.0.1:9002"
  book_ticker  = false
}
connector "bybit" "by" {
  public_url  = "ws://127.0.0.1:9003/v5/public/linear"
  private_url = "ws://127.0.0.1:9003/v5/private"
  api_url     = "http://127.0.0.1:9003"
  api_key     = env("BINANCE_API_KEY")
  secret      = file("secret.txt")
  depth_level = 1
}
strategy "a" {
  plugin = "obimm"
  instrument "bf" "BTCUSDT" {
  }
  instrument "bf" "ETHUSDT" {
    tick_size = 0.01
  }
  instrument "by" "BTCUSDT" {
    lot_size = 0.001
  }
}
strategy "watcher" {
  plugin = "obimm"
  instrument "spot" "BTCUSDT" {
  }
}
