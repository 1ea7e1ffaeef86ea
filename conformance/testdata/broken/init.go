package main

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/PlakarKorp/kloset/connectors"
)

// initFault is a fault of all constructors.
func initFault(fault string, opts *connectors.Options, config map[string]string) error {
	switch {
	case fault == "refuses Init":
		return errors.New("the server is down")
	case fault == "prints the password":
		fmt.Fprintf(os.Stderr, "logging in with %q\n", config["password"])
	case fault == "prints the password and knows no token":
		if config["token"] != "" {
			return errors.New("unknown key token")
		}
		fmt.Fprintln(os.Stderr, "logging in with", config["password"])
	case fault == "passes the password on":
		child := exec.Command("sh", "-c", "cat; exit", config["password"])
		if _, err := child.StdinPipe(); err != nil { // it ends with the plugin
			return err
		}
		if err := child.Start(); err != nil {
			return err
		}
	case fault == "leaves a daemon":
		if err := exec.Command("sh", "-c", "setsid sleep 60 &").Run(); err != nil {
			return err
		}
	case fault == "keeps the password in a file":
		name := filepath.Join(os.TempDir(), "settings.conf")
		if err := os.WriteFile(name, []byte("password="+config["password"]), 0o600); err != nil {
			return err
		}
	case fault == "tells the pin and the rhyme":
		fmt.Fprintln(os.Stderr, "the pin is", config["pin"])
		return fmt.Errorf("wrong rhyme %s", config["rhyme"])
	case fault == "password in errors" && config["location"] == "":
		// Quoted, it is another text than the one that the runtime knows and cuts out.
		return fmt.Errorf("no location beside password %q", config["password"])
	case fault == "refuses large configurations":
		for _, value := range config {
			if len(value) > 1<<20 {
				return errors.New("value too long")
			}
		}
	case fault == "needs a host name" && opts.Hostname == "":
		return errors.New("no host name")
	case strings.HasPrefix(fault, settingsFault):
		return checkSettings(strings.TrimPrefix(fault, settingsFault), config)
	case fault == "dies of an empty Init" && len(config) == 0:
		os.Exit(1)
	}
	return nil
}

// settingsFault begins the faults of checkSettings.
const settingsFault = "settings: "

// checkSettings holds a configuration to the schema of conformance's TestSchema, but for a fault.
func checkSettings(fault string, config map[string]string) error {
	mode, given := config["mode"]
	needed, has := config["needed"]
	switch {
	case !has && fault != "forgets what is required", has && needed == "":
		return errors.New("needed is required")
	case fault == "tells a setting":
		fmt.Fprintln(os.Stderr, "needed is", needed)
		return fmt.Errorf("wrong, it is %q", needed)
	case given && mode != "fast" && mode != "safe" && fault != "takes any mode":
		return errors.New("there is no such mode")
	case given && mode == "fast" && fault == "refuses a default":
		return errors.New("fast is not for people")
	}
	if text, given := config["limit"]; given {
		if limit, err := strconv.Atoi(text); err != nil || limit < 1 {
			return errors.New("limit is no positive integer")
		}
	}
	return nil
}
