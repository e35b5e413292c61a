package PVE::Storage::Custom::MountingBackupPlugin;

# A storage whose backup provider mounts something before a container is read, as some do to read it elsewhere, and says what
# each of its calls sees.

use strict;
use warnings;

use base qw(PVE::Storage::Plugin);

sub api {
    return 13;
}

sub type {
    return 'mountingbackup';
}

sub plugindata {
    return {
        content => [{ backup => 1, none => 1 }, { backup => 1 }],
        features => { 'backup-provider' => 1 },
        'sensitive-properties' => {},
    };
}

sub options {
    return { path => { fixed => 1 } };
}

sub activate_storage {
    return 1;
}

sub new_backup_provider {
    my ($class, $scfg, $storeid, $log_function) = @_;

    return PVE::BackupProvider::Plugin::Mounting->new($scfg, $log_function);
}

package PVE::BackupProvider::Plugin::Mounting;

use strict;
use warnings;

use base qw(PVE::BackupProvider::Plugin::Base);

sub new {
    my ($class, $scfg, $log) = @_;

    return bless { scfg => $scfg, log => $log }, $class;
}

sub _run {
    my (@command) = @_;

    system(@command) == 0 or die "@command: $?\n";
    return;
}

# The names in a directory, and the user who looks.
sub _say {
    my ($self, $call, $directory) = @_;

    my @names = sort map { s!.*/!!r } glob("$directory/*");
    $self->{log}->('info', "$call: user $> sees @names");
    return;
}

sub provider_name { return 'Mounting' }

sub job_init { return }

sub job_cleanup { return }

sub backup_handle_log_file { return }

sub backup_init { return { 'archive-name' => '100/lxc-1' } }

sub backup_get_mechanism { return 'directory' }

sub backup_container_prepare {
    my ($self, $vmid, $info) = @_;

    $self->_say('prepare', $info->{directory});
    _run('mount', '--bind', $info->{directory}, "$self->{scfg}->{path}/mounted");
    return;
}

sub backup_container {
    my ($self, $vmid, $config, $exclude, $info) = @_;

    $self->_say('backup',  $info->{directory});
    $self->_say('mounted', "$self->{scfg}->{path}/mounted");
    return { done => 1 };
}

sub backup_cleanup {
    my ($self, $vmid, $vmtype, $success, $info) = @_;

    _run('umount', "$self->{scfg}->{path}/mounted");
    $self->_say('cleanup', "$self->{scfg}->{path}/mounted");
    return { stats => { 'archive-size' => 1 } };
}

1;
