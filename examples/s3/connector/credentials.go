package connector

import (
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/minio/minio-go/v7/pkg/credentials"
)

// roleTimeout is how long the machine may take to say which role it has; one that has none may not answer at all.
const roleTimeout = 5 * time.Second

// credentials are what requests are signed with. The environment is looked into only if the configuration says so: a key for
// something else that happens to be there would decide whose bucket is meant.
func (a account) credentials() (*credentials.Credentials, error) {
	given := a.accessKey != "" || a.secret != "" || a.tok != ""
	switch {
	case a.source != "config" && given:
		return nil, fmt.Errorf("there is a key in the configuration, and credentials=%s: give one of them", a.source)
	case a.source == "anonymous":
		return credentials.NewStatic("", "", "", credentials.SignatureAnonymous), nil
	case a.source == "environment":
		return environment()
	case a.source != "config":
		return nil, errors.New("credentials is none of config, environment and anonymous")
	case a.accessKey == "" || a.secret == "":
		return nil, errors.New("there is nothing to sign with: give access_key and secret_access_key, or credentials=environment, " +
			"or credentials=anonymous for a public bucket")
	}
	return credentials.NewStaticV4(a.accessKey, a.secret, a.tok), nil
}

// environment are the credentials of AWS's variables, of its file of them, or of the machine's role.
func environment() (*credentials.Credentials, error) {
	found := credentials.NewChainCredentials([]credentials.Provider{
		&credentials.EnvAWS{}, &credentials.FileAWSCredentials{}, &credentials.IAM{Client: &http.Client{Timeout: roleTimeout}},
	})
	// Without any, the chain says "anonymous" and means that it has failed.
	value, err := found.GetWithContext(nil)
	if err == nil && value.AccessKeyID == "" {
		err = errors.New("there is no key in AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, none in ~/.aws/credentials, " +
			"and this machine has no role")
	}
	return found, err
}
