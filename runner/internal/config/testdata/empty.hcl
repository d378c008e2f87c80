# nothing but defaults
