package PVE::Storage::Custom::DyingBackupPlugin;

# A storage whose backup provider writes down its calls, and dies in the one that its configuration names.

use strict;
use warnings;

use base qw(PVE::Storage::Plugin);

sub api {
    return 13;
}

sub type {
    return 'dyingbackup';
}

sub plugindata {
    return {
        content => [{ backup => 1, none => 1 }, { backup => 1 }],
        features => { 'backup-provider' => 1 },
        'sensitive-properties' => {},
    };
}

sub properties {
    return { 'dyingbackup-call' => { description => 'The call to die in.', type => 'string' } };
}

sub options {
    return { path => { fixed => 1 }, 'dyingbackup-call' => { optional => 1 } };
}

sub activate_storage {
    return 1;
}

sub status {
    return (1, 1, 0, 1);
}

sub new_backup_provider {
    my ($class, $scfg, $storeid, $log_function) = @_;

    return PVE::BackupProvider::Plugin::Dying->new($class, $scfg, $storeid, $log_function);
}

package PVE::BackupProvider::Plugin::Dying;

use strict;
use warnings;

use base qw(PVE::BackupProvider::Plugin::Base);

my %ANSWERS = (
    provider_name => 'Dying',
    backup_init => { 'archive-name' => 'qemu-100-1' },
    backup_get_mechanism => 'nbd',
    backup_vm_query_incremental => {},
    backup_cleanup => { stats => { 'archive-size' => 1 } },
);

sub new {
    my ($class, $storage_plugin, $scfg, $storeid, $log_function) = @_;

    return bless { scfg => $scfg }, $class;
}

sub _call {
    my ($self, $call, $words) = @_;

    open(my $out, '>>', "$self->{scfg}->{path}/calls") or die "$self->{scfg}->{path}/calls: $!\n";
    print {$out} $call, defined($words) ? " $words" : '', "\n";
    close($out) or die "$self->{scfg}->{path}/calls: $!\n";
    die "it is broken\n" if $call eq ($self->{scfg}->{'dyingbackup-call'} // '');
    return $ANSWERS{ $call =~ s/ .*//r };
}

sub backup_cleanup {
    my ($self, $vmid, $vmtype, $success, $info) = @_;

    my $error = $info->{error};
    chomp($error) if defined($error);
    return $self->_call($success ? 'backup_cleanup success' : 'backup_cleanup failure', $error);
}

for my $call (
    qw(job_init job_cleanup backup_init backup_get_mechanism backup_vm_query_incremental backup_vm
    backup_handle_log_file)
) {
    no strict 'refs'; ## no critic (ProhibitNoStrict)
    *{$call} = sub { my ($self) = @_; return $self->_call($call) };
}

sub provider_name {
    return $ANSWERS{provider_name};
}

1;
