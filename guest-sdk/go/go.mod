module wasmalert.dev/sdk

go 1.24
