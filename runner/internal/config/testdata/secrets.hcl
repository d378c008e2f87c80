api_key = "top-secret-literal"
runner {
  secret  = "top-secret-literal"
  api_key = env("BINANCE_SECRET"
