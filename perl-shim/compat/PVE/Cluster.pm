package PVE::Cluster;

use v5.36;

use Errno qw(EINTR);
use Exporter qw(import);
use Fcntl qw(:flock);
use File::Path qw(make_path);
use JSON::PP ();
use Time::HiRes ();

use PVE::INotify;
use PVE::Tools;

our @EXPORT_OK = qw(cfs_lock_file cfs_read_file cfs_register_file cfs_write_file);

# How long code may run under a cluster lock; PVE's own expires the lock after twice the time.
our $LOCKED_SECONDS = 60;

# The guests of the cluster, where its file system is.
our $GUESTS = '/etc/pve/.vmlist';

my %files;

# ---- locks

sub lock_directory {
    my $dir = $ENV{TENON_LOCK_DIR};
    if (!defined($dir) || !length($dir)) {
        my $runtime = $ENV{XDG_RUNTIME_DIR} // '';
        $dir =
              $> == 0 ? '/var/lib/tenon/lock'
            : length($runtime) ? "$runtime/tenon/lock"
            : "/tmp/tenon-$>/lock";
    }
    die "the lock directory '$dir' is no absolute path\n" if $dir !~ m{\A(/.+)\z}s;
    $dir = $1;
    make_path($dir, { mode => oct('0700'), error => \my $errors }) if !-d $dir;
    die "cannot make the lock directory '$dir'\n" if !-d $dir;
    die "the lock directory '$dir' belongs to somebody else\n" if (stat(_))[4] != $>;
    return $dir;
}

sub cfs_lock_storage {
    my ($storeid, $timeout, $code, @args) = @_;

    return _cfs_lock("storage-$storeid", $timeout, $code, @args);
}

sub cfs_lock_domain {
    my ($name, $timeout, $code, @args) = @_;

    return _cfs_lock("domain-$name", $timeout, $code, @args);
}

sub cfs_lock_file {
    my ($filename, $timeout, $code, @args) = @_;

    die "unknown file '$filename'" if !$files{$filename} && $filename ne 'storage.cfg';
    return _cfs_lock('file-' . ($filename =~ s{[/.]}{_}gr), $timeout, $code, @args);
}

# The convention: the caller looks at $@.
sub _cfs_lock ($id, $timeout, $code, @args) {
    my $outer = Time::HiRes::alarm(0);
    my ($result, $err);
    my $fh = eval { _acquire($id, $timeout || 10) };
    if ($fh) {
        my $done = eval {
            local $SIG{ALRM} = sub { die "'$id'-locked command timed out - aborting\n" };
            Time::HiRes::alarm($LOCKED_SECONDS);
            my $inner = eval { $result = $code->(@args); 1 };
            my $why = $@;
            Time::HiRes::alarm(0);
            die $why if !$inner;
            1;
        };
        $err = $@ if !$done;
        undef $result if !$done;

        # A child that the code left behind has a copy of the handle.
        flock($fh, LOCK_UN);
        close($fh);
    } else {
        $err = "cfs-lock '$id' error: $@";
    }
    Time::HiRes::alarm($outer) if $outer;
    $@ = $err; ## no critic (RequireLocalizedPunctuationVars)
    return $result;
}

sub _acquire ($id, $timeout) {
    my ($name) = $id =~ m{\A([^/\0]+)\z} or die "'$id' is no name of a lock\n";
    my $file = lock_directory() . "/$name";
    open(my $fh, '>>', $file) or die "can't open file '$file' - $!\n";
    return $fh if flock($fh, LOCK_EX | LOCK_NB);

    print STDERR "trying to acquire cfs lock '$id' ...\n";
    my (undef, $got_timeout) = PVE::Tools::run_with_timeout(
        $timeout,
        sub {
            while (!flock($fh, LOCK_EX)) {
                die "can't acquire lock '$file' - $!\n" if $! != EINTR;
            }
        },
    );
    die "got lock request timeout\n" if $got_timeout;
    return $fh;
}

# ---- files

sub cfs_register_file {
    my ($filename, $parser, $writer) = @_;

    die "file '$filename' already registered" if $files{$filename};
    $files{$filename} = { parser => $parser, writer => $writer };
    return;
}

sub cfs_read_file {
    my ($filename) = @_;

    if ($filename eq 'storage.cfg' && !$files{$filename} && PVE::Storage->can('config')) {
        return PVE::Storage::config();
    }
    my $file = $files{$filename} or die "unknown file type '$filename'\n";
    my $path = "/etc/pve/$filename";
    my $content = -e $path ? PVE::Tools::file_get_contents($path, 16 * 1024 * 1024) : undef;
    return $file->{parser}->($path, $content);
}

sub cfs_write_file {
    my ($filename, $data) = @_;

    $files{$filename} or die "unknown file type '$filename'\n";
    die "'$filename' is not written: this machine has no cluster file system;"
        . " the daemon keeps the configuration\n";
}

# ---- the cluster, which is this machine

sub cfs_update {
    return 1;
}

sub check_cfs_is_mounted {
    return 1;
}

sub check_cfs_quorum {
    return 1;
}

sub get_nodelist {
    return [PVE::INotify::nodename()];
}

sub get_members {
    return { PVE::INotify::nodename() => { id => 1, online => 1 } };
}

sub get_clinfo {
    my $node = PVE::INotify::nodename();
    return {
        cluster => { name => $node, nodes => 1, quorate => 1, version => 1 },
        nodelist => get_members(),
    };
}

sub check_node_exists {
    my ($node, $noerr) = @_;

    return 1 if $node eq PVE::INotify::nodename();
    die "no such cluster node '$node'\n" if !$noerr;
    return undef; ## no critic (ProhibitExplicitReturnUndef)
}

# A plugin may run on the compat layer on a host that has guests.
sub get_vmlist {
    my $none = { ids => {}, version => 1 };
    open(my $fh, '<', $GUESTS) or return $none;
    my $text = do { local $/ = undef; <$fh> };
    close($fh);
    my $list = eval { JSON::PP::decode_json($text // '') };
    return ref($list) eq 'HASH' && ref($list->{ids}) eq 'HASH' ? $list : $none;
}

sub get_guest_config_properties {
    return {};
}

sub get_guest_config_property {
    return {};
}

1;

__END__

=head1 NAME

PVE::Cluster - locks and the cluster on a machine without PVE

=head1 SYNOPSIS

    my $result = PVE::Cluster::cfs_lock_domain('my-array', 10, sub { ... });
    die $@ if $@;

=head1 DESCRIPTION

Part of Tenon's compat layer. The cluster is this machine alone, it has quorum, and its guests are those that
F</etc/pve/.vmlist> names, or none.

=head1 FUNCTIONS

=head2 cfs_lock_storage, cfs_lock_domain, cfs_lock_file

    my $result = PVE::Cluster::cfs_lock_storage($storeid, $timeout, $code, @args);

Call C<$code> in scalar context under a lock, and wait 10 seconds for it unless told otherwise. They never die: if the lock
or the code fails, the error is left in C<$@> and the result is undef; after a success C<$@> is undef. Failures of the lock
begin with C<< cfs-lock '<id>' error: >>. The code has 60 seconds (C<$PVE::Cluster::LOCKED_SECONDS>), then it dies of C<<
'<id>'-locked command timed out - aborting >>. Not re-entrant. An alarm of the caller is paused meanwhile. C<cfs_lock_file>
dies if nobody registered the file.

=head2 lock_directory

    my $dir = PVE::Cluster::lock_directory();

Not in PVE: where the locks are, as files under flock(2). C<TENON_LOCK_DIR>, else
F</var/lib/tenon/lock>, or for an ordinary user a directory in C<XDG_RUNTIME_DIR>. With a directory
that several machines share, the locks hold for all of them. Dies if it cannot be made or belongs to
another user.

=head2 cfs_register_file, cfs_read_file, cfs_write_file

    PVE::Cluster::cfs_register_file($filename, \&parser, \&writer);
    my $data = PVE::Cluster::cfs_read_file($filename);

Reads F</etc/pve/$filename>, undef if there is none, through its parser; F<storage.cfg> is what
C<PVE::Storage::config> answers. An unregistered file dies, and so does every C<cfs_write_file>.

=head2 cfs_update, check_cfs_is_mounted, check_cfs_quorum

True.

=head2 get_nodelist, get_members, get_clinfo, check_node_exists

This node alone: an array of names; a hash by name; a hash with C<cluster> and C<nodelist>.

=head2 get_vmlist

    my $list = PVE::Cluster::get_vmlist();

The guests by number, as PVE's cluster file system shows them in F</etc/pve/.vmlist> (C<$PVE::Cluster::GUESTS>), read
anew each time: C<< { ids => { 100 => { node => 'n1', type => 'lxc', version => 3 } }, version => 1 } >>. Where that file is
missing or holds something else, C<< { ids => {}, version => 1 } >>.

=head2 get_guest_config_properties, get_guest_config_property

C<{}>.

=cut
