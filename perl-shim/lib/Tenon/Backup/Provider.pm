package Tenon::Backup::Provider;

use v5.36;

use Tenon::Api;
use Tenon::Backup::Dialect;
use Tenon::Error;

# A host makes an object in one process and uses it in others, so only the connections depend on the process, whose number
# they compare, and destroying an object does nothing.

sub new ($class, %opt) {
    my $self = bless {
        again => $opt{again},
        api => Tenon::Api->load('backup-provider'),
        log => _ending_calls($opt{log}),
        plugin => $opt{plugin},
        storeid => $opt{storeid},
        token => $opt{token},
    }, $class;
    $self->{client} = Tenon::Client->new(api => $self->{api}, socket => $opt{socket}, stays => 1);
    return Tenon::Backup::Dialect::fit($self, Tenon::Backup::Dialect::of_host(), $opt{storeid});
}

# In PVE an error of the log function goes through the provider to the host.
sub _ending_calls ($log) {
    return undef if !$log; ## no critic (ProhibitExplicitReturnUndef)
    return sub (@line) {
        return if eval { $log->(@line); 1 };
        $Tenon::Session::FATAL = $@;
        die $@;
    };
}

# ---- calls

sub _call ($self, $name, $args, %more) {
    my $done = eval { [$self->_make($name, $args, %more)] };
    return $done->[0] if $done;
    my $err = $@;
    die _text($err)
        if !_is_gone($err) || !$self->_is_for_fresh($name, $args);

    # The daemon was restarted. Calls that clean up work on any object.
    $done = eval {
        $self->{token} = $self->{again}->();
        [$self->_make($name, $args, %more)];
    };
    return $done->[0] if $done;
    die _text($@);
}

sub _make ($self, $name, $args, %more) {
    my $client = $self->{client};
    return scalar(
        $client->call_object(
            $self->{plugin}, $self->{token}, $name, $args,
            log => $self->{log},
            what => "$name of storage '$self->{storeid}'",
            %more
        ));
}

sub _is_gone ($err) {
    return ref($err) && eval { $err->isa('Tenon::Error') } && $err->name eq 'OBJECT_GONE';
}

sub _is_for_fresh ($self, $name, $args) {
    return 1 if $name eq 'backup_cleanup' && !$args->[2];
    return $self->{api}->method($name)->{fresh};
}

# What a signal handler of the host died with is not an error of Tenon and stays as it is.
sub _text ($err) {
    return ref($err) && eval { $err->isa('Tenon::Error') } ? $err->text : $err;
}

# ---- the job

sub provider_name ($self) {
    return $self->_call('provider_name', []);
}

sub job_init ($self, $start_time) {
    $self->_call('job_init', [$start_time]);
    return;
}

sub job_cleanup ($self) {
    $self->_call('job_cleanup', []);
    return;
}

# ---- the backup of a guest

sub backup_init ($self, $vmid, $vmtype, $start_time) {
    return { 'archive-name' => $self->_call('backup_init', [$vmid, $vmtype, $start_time]) };
}

sub backup_cleanup ($self, $vmid, $vmtype, $success, $info = {}) {
    if (my $channel = delete $self->{channel}) {
        $channel->drop;
    }
    my $error = ref($info) eq 'HASH' ? $info->{error} : undef;
    my $size = $self->_call('backup_cleanup', [$vmid, $vmtype, $success, $error]);
    return $success ? { stats => { 'archive-size' => $size // 0 } } : undef;
}

sub backup_get_mechanism ($self, $vmid, $vmtype) {
    return $self->_call('backup_get_mechanism', [$vmid, $vmtype]);
}

# If this dies, PVE ends the whole job. The provider may decide that, but not a lost connection.
sub backup_handle_log_file ($self, $vmid, $filename) {
    return if eval { $self->_make('backup_handle_log_file', [$vmid, $filename]); 1 };
    my $err = $@;
    die _text($err)
        if !ref($err) || !eval { $err->isa('Tenon::Error') } || defined($err->die_text);
    $self->{log}->('warn', "the provider did not get the log of guest $vmid: " . $err->message)
        if $self->{log};
    return;
}

sub backup_vm_query_incremental ($self, $vmid, $volumes) {
    my %sizes = map { $_ => $volumes->{$_}->{size} } keys $volumes->%*;
    return $self->_call('backup_vm_query_incremental', [$vmid, \%sizes]);
}

sub backup_vm ($self, $vmid, $guest_config, $volumes, $info) {
    $self->_call('backup_vm',
        [$vmid, $guest_config, $info->@{qw(firewall-config)}, $volumes, $info->{'bandwidth-limit'}]
    );
    return;
}

sub _tree ($info) {
    return $info->@{qw(directory sources backup-user-id)};
}

# The container's child is another user and cannot connect, but it inherits open connections.
sub backup_container_prepare ($self, $vmid, $info) {
    my $channel = $self->{channel} = $self->{client}->open_session;
    $self->_call(
        'backup_container_prepare',
        [$vmid, _tree($info), $info->{'bandwidth-limit'}],
        session => $channel,
        more => { holder => $$ + 0 },
    );
    return;
}

sub backup_container ($self, $vmid, $guest_config, $exclude_patterns, $info) {
    my $channel = $self->{channel}
        // die "backup_container: the container was not prepared by backup_container_prepare\n";
    $channel->inherit;
    $self->_call(
        'backup_container',
        [
            $vmid, $guest_config,
            $info->{'firewall-config'}, $exclude_patterns // [],
            _tree($info), $info->{'bandwidth-limit'}
        ],
        session => $channel,
        more => { holder => $$ + 0 },
    );
    return;
}

# ---- archives; some of PVE's callers pass the storage's id, some as the last argument, some not at all

sub restore_get_mechanism ($self, $volname, @) {
    my $mechanism = $self->_call('restore_get_mechanism', [$volname]);
    return ($mechanism, $mechanism eq 'qemu-img' ? 'qemu' : 'lxc');
}

sub archive_get_guest_config ($self, $volname, @) {
    return $self->_call('archive_get_guest_config', [$volname]);
}

sub archive_get_firewall_config ($self, $volname, @) {
    return $self->_call('archive_get_firewall_config', [$volname]);
}

sub restore_vm_init ($self, $volname, @) {
    my $sizes = $self->_call('restore_vm_init', [$volname]);
    return { map { $_ => { size => $sizes->{$_} } } keys $sizes->%* };
}

sub restore_vm_cleanup ($self, $volname, @) {
    $self->_call('restore_vm_cleanup', [$volname]);
    return;
}

sub restore_vm_volume_init ($self, $volname, $device, @) {
    return { 'qemu-img-path' => $self->_call('restore_vm_volume_init', [$volname, $device]) };
}

sub restore_vm_volume_cleanup ($self, $volname, $device, @) {
    $self->_call('restore_vm_volume_cleanup', [$volname, $device]);
    return;
}

sub restore_container_init ($self, $volname, @) {
    my $archive = $self->_call('restore_container_init', [$volname]);
    return defined($archive->{tar})
        ? { 'tar-path' => $archive->{tar} }
        : { 'archive-directory' => $archive->{directory} };
}

sub restore_container_cleanup ($self, $volname, @) {
    $self->_call('restore_container_cleanup', [$volname]);
    return;
}

1;

__END__

=head1 NAME

Tenon::Backup::Provider - a backup provider that the daemon serves, as the object that PVE calls

=head1 DESCRIPTION

What C<new_backup_provider> of a proxy class returns. The object lives in the daemon; it is the same one in every process
that the host forks. If the daemon was restarted, a new one is made for calls that clean up or look at an archive; others
fail, since the work of the old one is lost.

A signal handler of the host that dies in a call ends it: the daemon sees that the connection is gone and stops the work. Its
text is passed on unchanged. C<backup_container_prepare> opens the connection that the container's child uses.

=head1 METHODS

=head2 new

    my $provider = Tenon::Backup::Provider->new(
        plugin => $name, socket => $path, storeid => $storeid, token => $token, log => $log_function,
        again => sub { return $another_token },
    );

Returns an object of this class, or one around it that has the methods of the draft if that is what the host calls.

=head2 provider_name, job_init, job_cleanup

=head2 backup_init, backup_cleanup, backup_get_mechanism, backup_handle_log_file, backup_vm_query_incremental

=head2 backup_vm, backup_container_prepare, backup_container

=head2 archive_get_guest_config, archive_get_firewall_config, restore_get_mechanism

=head2 restore_vm_init, restore_vm_cleanup, restore_vm_volume_init, restore_vm_volume_cleanup

=head2 restore_container_init, restore_container_cleanup

Those of PVE's API. C<backup_handle_log_file> warns where the daemon cannot be reached, because PVE ends a job whose
provider dies there.

=cut
