module modstead.invalid/modstead/client

go 1.24
