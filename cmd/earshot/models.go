package main

import (
	"fmt"

	"earshot/transcribe/models"
)

type modelsCmd struct {
	Install modelsInstallCmd `cmd:"" help:"Copy the models out of npm's folder, checked against their checksums."`
	Verify  modelsVerifyCmd  `cmd:"" help:"Check the installed models."`
}

type modelsInstallCmd struct {
	From string `default:"models/node_modules" help:"Folder that npm filled."`
	To   string `default:"models/dist" help:"Folder to install to."`
}

func (c modelsInstallCmd) Run(e *env) error {
	log, err := logger(defaultLog, e.stderr)
	if err != nil {
		return err
	}
	return models.Install(c.From, c.To, log)
}

type modelsVerifyCmd struct {
	Dir string `arg:"" optional:"" help:"Folder of the models; empty: where the server would look."`
}

func (c modelsVerifyCmd) Run(e *env) error {
	dir, err := models.Find(c.Dir)
	if err != nil {
		return err
	}
	if err := models.Verify(dir); err != nil {
		return err
	}
	fmt.Fprintln(e.stdout, dir, "is complete")
	return nil
}
