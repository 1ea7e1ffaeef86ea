package main

// plugin is one integration to try.
type plugin struct {
	name string
	// wrapped is the module of connectors that are built into plakar, with its version, constructors those of its packages.
	wrapped      string
	constructors map[string]string
	protocol     string
	flags        string
	// edits are what go.mod needs so that its modules resolve.
	edits [][]string
	// mains are the main packages, by executable.
	mains map[string]string
	// serve starts what the connectors speak to and returns how to test each.
	serve func(*servers) ([]connector, error)
}

// connector is how to test one: with settings of --config, and a sample for an exporter, as --sample.
type connector struct {
	name     string // TYPE:PROTOCOL
	settings []string
	sample   string
}

func mains(names ...string) map[string]string {
	all := map[string]string{}
	for i := 0; i < len(names); i += 2 {
		all[names[i]] = "./plugin/" + names[i+1]
	}
	return all
}

var plugins = []plugin{
	{
		name: "fs", wrapped: "github.com/PlakarKorp/integrations/fs v1.1.0", protocol: "fis", flags: "[localfs]",
		constructors: map[string]string{"importer": "NewFSImporter", "exporter": "NewFSExporter", "storage": "NewStore"},
		mains:        mains("importer", "importer", "exporter", "exporter", "storage", "storage"),
		serve: func(*servers) ([]connector, error) {
			return []connector{{name: "importer:fis"}, {name: "exporter:fis"}, {name: "storage:fis"}}, nil
		},
	},
	{
		name: "tar-plugin", wrapped: "github.com/PlakarKorp/integrations/tar v1.1.0", protocol: "tarball", flags: "[localfs, stream, needack]",
		constructors: map[string]string{"importer": "NewTarImporter"}, mains: mains("importer", "importer"),
		serve: func(s *servers) ([]connector, error) {
			file, err := s.tarball()
			return []connector{{name: "importer:tarball", settings: []string{"location=tarball://" + file}}}, err
		},
	},
	{
		name: "sqlite", mains: mains("sqliteStorage", "storage"),
		serve: func(s *servers) ([]connector, error) {
			dir, err := s.empty()
			return []connector{{name: "storage:sqlite", settings: []string{"location=sqlite://" + dir}}}, err
		},
	},
	{
		name: "sftp", mains: mains("sftpImporter", "importer", "sftpExporter", "exporter", "sftpStorage", "storage"),
		serve: func(s *servers) ([]connector, error) { return s.sftp() },
	},
	{
		name: "webdav", mains: mains("webdav-importer", "importer", "webdav-exporter", "exporter"),
		serve: func(s *servers) ([]connector, error) { return s.webdav() },
	},
	{
		name: "rclone", mains: mains("rclone-importer", "importer", "rclone-exporter", "exporter", "rclone-storage", "storage"),
		// Its go.mod names commits that only their authors' caches have.
		edits: [][]string{
			{"-droprequire=github.com/PlakarKorp/integration-grpc/v2"}, {"-require=github.com/PlakarKorp/go-kloset-sdk@v1.1.0-beta.1"},
		},
		serve: func(s *servers) ([]connector, error) {
			source, err := s.source()
			if err != nil {
				return nil, err
			}
			dir, err := s.empty()
			at := func(path string) []string { return []string{"location=rclone://" + path, "type=local"} }
			return []connector{
				{name: "importer:rclone", settings: at(source)}, {name: "exporter:rclone", settings: at(dir)},
				{name: "storage:rclone", settings: at(dir + "/store")},
			}, err
		},
	},
	{
		name: "s3", mains: mains("s3Importer", "importer", "s3Exporter", "exporter", "s3Storage", "storage"),
		serve: func(s *servers) ([]connector, error) { return s.s3() },
	},
	{
		name: "mysql",
		mains: mains("mysqlImporter", "mysql-importer", "mysqlExporter", "mysql-exporter", "mariadbImporter", "mariadb-importer",
			"mariadbExporter", "mariadb-exporter", "mysqlProxyImporter", "mysql-proxy-importer",
			"mysqlProxyExporter", "mysql-proxy-exporter"),
		serve: func(s *servers) ([]connector, error) { return s.mariadb() },
	},
	{
		name: "postgresql",
		mains: mains("postgresqlImporter", "importer", "postgresqlExporter", "exporter", "postgresqlBinImporter", "binimporter",
			"postgresqlAWSImporter", "awsimporter", "postgresqlAWSExporter", "awsexporter"),
		serve: func(s *servers) ([]connector, error) { return s.postgresql() },
	},
}
