module {{name}}

go 1.24

require wasmalert.dev/sdk v0.0.0

replace wasmalert.dev/sdk => ./sdk
