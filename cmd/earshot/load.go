package main

import "errors"

type loadCmd struct{}

func (loadCmd) Run(*env) error { return errors.New("x") }
