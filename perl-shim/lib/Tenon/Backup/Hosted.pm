package Tenon::Backup::Hosted;

use v5.36;

use JSON::PP ();
use POSIX ();
use Scalar::Util qw(blessed reftype);

use Tenon::Api;
use Tenon::Backup::Dialect;
use Tenon::Error;
use Tenon::Schema;

use constant INTERRUPTED => "interrupted by signal\n";

# The one object of this process, and where its lines go while it is called.
our ($OBJECT, $LOG);

sub api () {
    return Tenon::Api->load('backup-provider');
}

sub is_method ($name) {
    return exists(api()->{methods}->{$name});
}

# ---- the object

# The function that came with the call is known while the call runs, and a provider keeps what it is given.
sub log_function ($of_call) {
    $LOG = $of_call;
    return sub ($level, $message = '') {
        $LOG->($level, $message) if $LOG;
        return;
    };
}

sub keep ($object, $storeid) {
    $OBJECT = Tenon::Backup::Dialect::fit($object, Tenon::Backup::Dialect::MERGED, $storeid);
    $LOG = undef;

    # A signal that stops a call may come when the call has just ended, and the cleanup after it needs this process.
    $SIG{TERM} = 'IGNORE'; ## no critic (RequireLocalizedPunctuationVars)
    return 'provider';
}

# ---- calls

# By name, the function that makes the call with plain parameters, and one that makes a plain answer of the result.
my %CALL = (
    backup_init => sub ($provider, @args) {
        my $answer = $provider->backup_init(@args);
        die "the provider's answer to backup_init is no hash with an archive-name\n"
            if (reftype($answer) // '') ne 'HASH' || !length($answer->{'archive-name'} // '');
        return $answer->{'archive-name'};
    },
    backup_cleanup => sub ($provider, $vmid, $vmtype, $success, $error) {
        my $answer = $provider->backup_cleanup($vmid, $vmtype, $success,
            $success ? {} : { error => $error });
        return undef if !$success; ## no critic (ProhibitExplicitReturnUndef)
        die "the provider's answer to backup_cleanup is no hash\n"
            if (reftype($answer) // '') ne 'HASH';
        return ($answer->{stats} // {})->{'archive-size'} // 0;
    },
    backup_vm_query_incremental => sub ($provider, $vmid, $sizes) {
        return $provider->backup_vm_query_incremental($vmid,
            { map { $_ => { size => $sizes->{$_} } } keys $sizes->%* }) // {};
    },
    backup_vm => sub ($provider, $vmid, $config, $firewall, $disks, $limit) {
        $provider->backup_vm($vmid, $config, $disks, _info({}, $firewall, $limit));
        return;
    },
    backup_container_prepare => sub ($provider, $vmid, $directory, $sources, $root, $limit) {
        my $info = _tree($directory, $sources, $root);
        $provider->backup_container_prepare($vmid, _info($info, undef, $limit));
        return;
    },
    backup_container => sub ($provider, $vmid, $config, $firewall, $exclude, @more) {
        my ($directory, $sources, $root, $limit) = @more;
        my $info = _tree($directory, $sources, $root);
        $provider->backup_container($vmid, $config, $exclude, _info($info, $firewall, $limit));
        return;
    },
    restore_get_mechanism => sub ($provider, $volname) {
        my ($mechanism) = $provider->restore_get_mechanism($volname);
        return $mechanism;
    },
    restore_vm_init => sub ($provider, $volname) {
        my $disks = $provider->restore_vm_init($volname);
        die "the provider's answer to restore_vm_init is no hash\n"
            if (reftype($disks) // '') ne 'HASH';
        return { map { $_ => $disks->{$_}->{size} } keys $disks->%* };
    },
    restore_vm_volume_init => sub ($provider, $volname, $device) {
        my $answer = $provider->restore_vm_volume_init($volname, $device, {}) // {};
        return $answer->{'qemu-img-path'}
            // die "the provider's answer to restore_vm_volume_init has no qemu-img-path\n";
    },
    restore_vm_volume_cleanup => sub ($provider, $volname, $device) {
        $provider->restore_vm_volume_cleanup($volname, $device, {});
        return;
    },
    restore_container_init => sub ($provider, $volname) {
        my $answer = $provider->restore_container_init($volname, {}) // {};
        return { tar => $answer->{'tar-path'} } if defined($answer->{'tar-path'});
        return { directory => $answer->{'archive-directory'} };
    },
    restore_container_cleanup => sub ($provider, $volname) {
        $provider->restore_container_cleanup($volname, {});
        return;
    },
);

sub _info ($info, $firewall, $limit) {
    $info->{'firewall-config'} = $firewall if defined($firewall);
    $info->{'bandwidth-limit'} = $limit if $limit;
    return $info;
}

sub _tree ($directory, $sources, $root) {
    return { directory => $directory, sources => $sources, 'backup-user-id' => $root };
}

# Calls the object, in the bounds of a call; the answer is for the wire.
sub answer ($name, $params, $around) {
    my $object = $OBJECT
        // Tenon::Error->throw('OBJECT_GONE', 'NOT_STARTED', "$name: this process has no provider");
    my $api = api();
    my $method = $api->method($name);
    my $args = Tenon::Schema::params_from_wire($api, $method, 1, $params);
    my $call = $CALL{$name} // sub ($provider, @given) { return scalar($provider->$name(@given)) };
    local $LOG =
        defined($params->{log})
        ? sub ($level, $message) { Tenon::Base::callback($params->{log}, $level, $message); return }
        : undef;
    my $result;
    my ($done, $err) = $around->(
        sub {
            # As in PVE's worker, whose handler dies in whatever call is under way.
            local @SIG{qw(HUP INT QUIT TERM)} = (sub { die INTERRUPTED }) x 4;
            _stay_with($params->{holder})
                if $name eq 'backup_container_prepare' && defined($params->{holder});
            $result =
                $name eq 'backup_container' && defined($params->{holder})
                ? _in_namespaces($params->{holder}, sub { $call->($object, $args->@*) })
                : $call->($object, $args->@*);
        },
    );
    die $err if !$done;
    return Tenon::Schema::result_to_wire($method, [$result], undef);
}

# ---- the container's namespaces

# In the kernel's numbers, since Perl has no name for it.
my %SETNS = (aarch64 => 268, x86_64 => 308);

# As PVE does: a child that is root in the container's user namespace and sees its files where they are mounted.
sub _in_namespaces ($holder, $code) {
    pipe(my $in, my $out) or die "no pipe can be made: $!\n";
    STDOUT->flush;
    STDERR->flush;
    my $pid = fork() // die "no process can be forked: $!\n";
    if (!$pid) {
        close($in);
        $LOG = sub ($level, $message) { return _tell($out, log => $level, $message) };
        my $good = eval { _join_as_root($holder); $code->(); 1 };
        _tell($out, $good ? ('done') : (died => Tenon::Error::text_of($@)));
        close($out);
        STDOUT->flush;
        STDERR->flush;
        POSIX::_exit(0);
    }
    close($out);
    my $said = _listen($in, $pid);
    waitpid($pid, 0);
    my $status = $?;
    return if $said->[0] eq 'done' && !$status;
    die $said->[1] if $said->[0] eq 'died';
    my $how = $status & 127 ? 'by signal ' . ($status & 127) : 'with exit status ' . ($status >> 8);
    die "the process that read the container ended $how before it was done\n";
}

sub _tell ($out, @words) {
    syswrite($out, JSON::PP->new->latin1->encode(\@words) . "\n");
    return;
}

# Anything that ends this early, such as a signal, ends the child first.
sub _listen ($in, $pid) {
    my $last = ['nothing'];
    my $good = eval {
        while (defined(my $line = <$in>)) {
            my ($kind, @words) = JSON::PP->new->latin1->decode($line)->@*;
            if ($kind eq 'log') {
                $LOG->(@words) if $LOG;
            } else {
                $last = [$kind, @words];
            }
        }
        1;
    };
    return $last if $good;
    my $err = $@;
    kill('KILL', $pid);
    waitpid($pid, 0);
    die $err;
}

# As PVE's worker, which stays in a mount namespace of its own once it has mounted a container there: what the provider
# mounts and unmounts is seen by the child that reads the container, and by nobody else.
sub _stay_with ($holder) {
    chdir('/') or die "chdir: $!\n" if _join($holder, 'mnt');
    return;
}

# Answers which of them are others than those of this process.
sub _join ($holder, @kinds) {
    my $number = $SETNS{ (POSIX::uname())[4] }
        // die "namespaces cannot be joined on this machine\n";
    my @joined;
    for my $kind (@kinds) {
        my $path = "/proc/$holder/ns/$kind";
        my $theirs = readlink($path)
            // die "the process $holder that holds the container's files has gone\n";
        next if $theirs eq readlink("/proc/self/ns/$kind");
        open(my $namespace, '<', $path) or die "$path: $!\n";
        push @joined, [$kind, $namespace];
    }
    for my $each (@joined) {
        my ($kind, $namespace) = $each->@*;
        syscall($number, fileno($namespace), 0) == 0
            or die "the $kind namespace of process $holder cannot be joined: $!\n";
    }
    return map { $_->[0] } @joined;
}

sub _join_as_root ($holder) {
    my @joined = _join($holder, qw(user mnt)) or return;
    if (grep { $_ eq 'user' } @joined) {
        POSIX::setgid(0) or die "setgid: $!\n";
        $) = '0 0';
        POSIX::setuid(0) or die "setuid: $!\n";
    }
    chdir('/') or die "chdir: $!\n";
    return;
}

1;

__END__

=head1 NAME

Tenon::Backup::Hosted - the backup provider that a process of a sidecar has

=head1 DESCRIPTION

A provider may keep anything between its calls, so each has a process of its own. It is called as PVE calls it in its worker:
in list or scalar context as there, with the same hashes, with a handler for TERM that dies with C<interrupted by signal>,
C<backup_container_prepare> in the mount namespace in which the container's files are, where the process stays, and
C<backup_container> in a child that has joined the container's namespaces.

=head1 FUNCTIONS

=head2 api

The table of the API, a L<Tenon::Api>.

=head2 is_method

    my $is = Tenon::Backup::Hosted::is_method($name);

=head2 log_function

    my $log = Tenon::Backup::Hosted::log_function($of_this_call);

The function to give to a plugin's C<new_backup_provider>; what it is called with goes to the call under way.

=head2 keep

    my $token = Tenon::Backup::Hosted::keep($object, $storeid);

Makes an object of either dialect the provider of this process.

=head2 answer

    my $wire = Tenon::Backup::Hosted::answer($name, \%params, $around);

Calls it. C<$around> is given code to run and returns whether that was done, and the error.

=cut
