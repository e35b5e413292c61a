package PVE::Storage::Custom::WildPlugin;

# One wild thing a volume: what a plugin does to its process, and what shapes it returns. What it found out comes back as
# the parent.

use strict;
use warnings;

use POSIX ();
use Scalar::Util qw(dualvar);

use PVE::Storage;
use PVE::Tools qw(run_command);

use base qw(PVE::Storage::Plugin);

my $called;
my $notes;

END {
    if (defined($notes) && open(my $fh, '>>', $notes)) {
        print $fh $$ == $called ? "plugin\n" : "child\n";
        close($fh);
    }
}

sub api { return 15 }

sub type { return 'wild' }

sub plugindata { return { content => [{ images => 1 }, { images => 1 }] } }

sub options { return { path => { fixed => 1 } } }

my @PLAIN = (1024, 'raw', 512, undef, 1767225600);

my $found = sub { return (1024, 'raw', 512, join(' ', 'found:', @_), 1767225600) };

# The descriptors above 2 that a command has, by what they are.
my $DESCRIPTORS = 'for fd in /proc/self/fd/*; do n=${fd##*/}; l=$(readlink $fd);'
    . ' [ "$n" -gt 2 ] && case $l in /proc/*|"") ;; *) echo "$l";; esac; done; true';

my %HABITS = (
    plain => sub { return @PLAIN },

    # ---- children
    'fd-system' => sub {
        my $text = `$DESCRIPTORS`;
        return $found->(split(/\n/, $text));
    },
    'fd-run' => sub {
        my @lines;
        run_command(['sh', '-c', $DESCRIPTORS], outfunc => sub { push @lines, $_[0] });
        return $found->(@lines);
    },
    'fd-exec' => sub {
        pipe(my $reader, my $writer) or die "pipe: $!\n";
        my $child = fork() // die "fork: $!\n";
        if (!$child) {
            open(STDOUT, '>&', $writer) or POSIX::_exit(1);
            exec('sh', '-c', $DESCRIPTORS) or POSIX::_exit(1);
        }
        close($writer);
        my @lines = <$reader>;
        waitpid($child, 0);
        chomp(@lines);
        return $found->(@lines);
    },
    'child-exits' => sub {
        my ($scfg) = @_;
        $notes = $scfg->{notes};
        my $child = fork() // die "fork: $!\n";
        exit(3) if !$child;
        waitpid($child, 0);
        return $found->($? >> 8);
    },
    'child-dies' => sub {
        my $child = fork() // die "fork: $!\n";
        die "in the child\n" if !$child;
        waitpid($child, 0);
        return $found->($? >> 8);
    },
    'child-returns' => sub {
        my $child = fork() // die "fork: $!\n";
        return $found->('the child') if !$child;
        waitpid($child, 0);
        return $found->($?);
    },
    'child-closes-all' => sub {
        my $child = fork() // die "fork: $!\n";
        if (!$child) {
            POSIX::close($_) for 0 .. 255;
            POSIX::setsid();
            POSIX::_exit(0);
        }
        waitpid($child, 0);
        return $found->($?);
    },
    'ignored-children' => sub {
        local $SIG{CHLD} = 'IGNORE';
        my $code = run_command(['sh', '-c', 'exit 3'], noerr => 1);
        system('true');
        return $found->($code);
    },

    # ---- the process
    stdin => sub {
        my $line = <STDIN>;
        my $child = `cat; echo end`;
        chomp($child);
        return $found->(defined($line) ? 'a line' : 'nothing', $child);
    },
    'close-output' => sub {
        close(STDOUT);
        close(STDERR);
        return @PLAIN;
    },
    'own-output' => sub {
        my ($scfg) = @_;
        open(STDOUT, '>', $scfg->{notes}) or die "$scfg->{notes}: $!\n";
        print "into a file\n";
        return @PLAIN;
    },
    'no-environment' => sub {
        %ENV = ();
        return @PLAIN;
    },
    environment => sub {
        my $path = $ENV{PATH} // '';
        my @said;
        eval { run_command(['true']); push @said, 'commands' };
        return $found->($path ne '' ? 'path' : (), @said);
    },
    handlers => sub {
        $SIG{__DIE__} = sub { print STDERR "the handler of an earlier call\n"; POSIX::_exit(9) };
        $SIG{__WARN__} = sub { die "a warning of an earlier call\n" };
        return @PLAIN;
    },
    warns => sub {
        warn "only a warning\n";
        return @PLAIN;
    },
    dies => sub { die "the array said no\n" },
    separators => sub {
        $" = '-';
        $; = '!';
        $| = 0;
        $0 = 'something else';
        srand(1);
        binmode(STDOUT, ':encoding(UTF-8)');
        return @PLAIN;
    },
    locale => sub {
        POSIX::setlocale(POSIX::LC_ALL(), 'C.UTF-8');
        return @PLAIN;
    },
    patch => sub {
        no warnings 'redefine';
        *PVE::Tools::trim = sub { return 'patched' };
        *PVE::Storage::Plugin::get_subdir = sub { return '/patched' };
        push @PVE::Storage::Plugin::SHARED_STORAGE, 'wild';
        return $found->(PVE::Tools::trim(' x '));
    },
    patched => sub { return $found->(PVE::Tools::trim(' x ')) },
    destructor => sub {
        my $guard = bless({}, 'Wild::Dying');
        return @PLAIN;
    },
    'leaves-loop' => sub {
        no warnings 'exiting';
        next;
    },
    'own-section' => sub {
        my ($scfg) = @_;
        local $ENV{TENON_LOCK_DIR} = $scfg->{locks};
        my $answer =
            __PACKAGE__->cluster_lock_storage('nas', 0, 10,
            sub { return PVE::Storage::config()->{ids}->{nas}->{token} // 'none' },
            );
        return $found->($answer);
    },

    # ---- what it is given
    'remember' => sub {
        my ($scfg) = @_;
        $scfg->{_session} = { token => 'secret', client => sub { 1 } };
        $scfg->{path} = '/changed';
        return @PLAIN;
    },
    'inherits' => sub {
        my ($scfg) = @_;
        $scfg->{_session} = { token => 'secret', client => sub { 1 } };
        $scfg->{_client} = bless({}, 'Wild::Client');
        my $dir = __PACKAGE__->SUPER::get_subdir($scfg, 'images');
        return $found->($dir, ref($scfg->{_client}));
    },
    'remembered' => sub {
        my ($scfg) = @_;
        return $found->($scfg->{_session} ? 'session' : 'none', $scfg->{path});
    },

    # ---- shapes
    none => sub { return },
    undef => sub { return undef },
    size => sub { return 1024 },
    texts => sub { return ('1024', 'raw', '512', '', '1767225600') },
    floats => sub { return (1e12, 'raw', 5.9, undef, 1767225600.75) },
    'float-text' => sub { return ('1e12', 'raw', '5e2', undef, '1767225600') },
    dual => sub { return (dualvar(1024, '1024'), dualvar(1, 'raw'), dualvar(512, '512')) },
    bools => sub {
        require JSON::PP;
        return (JSON::PP::true(), 'raw', JSON::PP::false(), undef, 1);
    },
    more => sub { return (@PLAIN, 'a sixth', {}) },
    'size-code' => sub {
        return (sub { 1 }, 'raw');
    },
    'size-handle' => sub { return (\*STDOUT, 'raw') },
    'size-text' => sub { return ('much', 'raw') },
    'size-negative' => sub { return (-1, 'raw') },
    'size-nan' => sub { return ('nan', 'raw') },
    'size-object' => sub { return (bless({}, 'Wild::Dying'), 'raw') },
    'format-undef' => sub { return (1024, undef, 0) },
    'format-binary' => sub { return (1024, "r\xe4w", 0) },
    'parent-binary' => sub { return (1024, 'raw', 0, "p\xe4\xff") },
    'parent-hash' => sub { return (1024, 'raw', 0, { a => 1 }) },
    'parent-long' => sub { return (1024, 'raw', 0, 'x' x (2 << 20)) },
);

sub volume_size_info {
    my ($class, $scfg, $storeid, $volname, $timeout) = @_;

    my $habit = $HABITS{$volname} or die "there is no habit '$volname'\n";
    $called //= $$;
    return $habit->($scfg);
}

my %STATUS = (
    zeros => sub { return (0, 0, 0, 0) },
    none => sub { return },
    undef => sub { return undef },
    texts => sub { return ('4096', '3072', '1024', '1') },
    floats => sub { return (4096.9, 3072.1, 1024.5, 1) },
    truth => sub { return (4096, 3072, 1024, 'yes') },
    emptiness => sub { return (4096, 3072, 1024, '') },
    bool => sub {
        require JSON::PP;
        return (4096, 3072, 1024, JSON::PP::false());
    },
    'zero-but-true' => sub { return (4096, 3072, 1024, '0 but true') },
    'no-numbers' => sub { return (undef, undef, undef, 1) },
);

sub status {
    my ($class, $storeid, $scfg, $cache) = @_;
    return $STATUS{ $scfg->{shape} // 'zeros' }->();
}

my %LISTS = (
    undef => sub { return undef },
    none => sub { return },
    list => sub { return ({ volid => 'nas:a' }, { volid => 'nas:b' }) },
    text => sub { return 'images' },
    empty => sub { return [] },
    entries => sub {
        return [{
                volid => 'nas:vm-100-disk-0',
                format => 'raw',
                size => '1024',
                vmid => '100',
                ctime => '1767225600'
            },
            { volid => 'vm-100-disk-1', size => 2048.5, vmid => 100 },
            {
                volid => 'nas:vm-100-disk-2',
                format => 'raw',
                size => 1,
                vmid => 100,
                extra => 'x',
                code => sub { 1 }
            },
        ];
    },
    tied => sub {
        tie(my %entry, 'Wild::Tied',
            { volid => 'nas:vm-100-disk-0', format => 'raw', size => 1, vmid => 100 });
        return [\%entry];
    },
    cycle => sub {
        my $entry = { volid => 'nas:vm-100-disk-0', format => 'raw', size => 1, vmid => 100 };
        $entry->{self} = $entry;
        return [$entry];
    },
    'cycle-size' => sub {
        my $entry = { volid => 'nas:vm-100-disk-0', format => 'raw', vmid => 100 };
        $entry->{size} = $entry;
        return [$entry];
    },
    blessed => sub {
        return
            bless(
            [bless({ volid => 'nas:x', format => 'raw', size => 1, vmid => 100 }, 'Wild::Entry')],
            'Wild::List');
    },
    many => sub {
        return [map { { volid => "nas:vm-100-disk-$_", format => 'raw', size => $_, vmid => 100 } }
                0 .. 99_999];
    },
    'entry-text' => sub { return ['nas:vm-100-disk-0'] },
    'no-volid' => sub { return [{ format => 'raw', size => 1, vmid => 100 }] },
);

sub list_images {
    my ($class, $storeid, $scfg, $vmid, $vollist, $cache) = @_;
    return $LISTS{ $scfg->{shape} // 'empty' }->();
}

my %NAMES = (
    eight => sub { return ('images', 'vm-100-disk-0', '100', undef, undef, '', 'raw', 'more') },
    two => sub { return ('iso', 'a.iso') },
    base => sub { return ('images', 'base-100-disk-0', 100, undef, undef, 'base-', 'raw') },
    bool => sub {
        require JSON::PP;
        return ('images', 'base-100-disk-0', 100, undef, undef, JSON::PP::true(), 'raw');
    },
    none => sub { return },
);

sub parse_volname {
    my ($class, $volname) = @_;
    my $shape = $NAMES{$volname} or return ('images', $volname, 100, undef, undef, undef, 'raw');
    return $shape->();
}

sub path {
    my ($class, $scfg, $volname, $storeid, $snapname) = @_;

    # What the caller passed is changed, not a copy.
    $_[2] = 'changed' if $volname eq 'alias';
    return "iscsi://10.0.0.1/$volname" if $volname eq 'uri' || $volname eq 'alias';
    return ("/dev/$volname", '100', 'images', 'more');
}

# The work that is left for later writes a file.
sub free_image {
    my ($class, $storeid, $scfg, $volname) = @_;

    my $file = $scfg->{notes};
    return sub {
        die "the later work failed\n" if $volname eq 'later-dies';
        open(my $fh, '>', $file) or die "$file: $!\n";
        print $fh "freed $volname\n";
        close($fh);
    };
}

package Wild::Dying;

use overload
    '""' => sub { die "I have no words\n" },
    '0+' => sub { die "I have no number\n" },
    fallback => 0;

sub DESTROY { die "a last word\n" }

package Wild::Tied;

require Tie::Hash;
our @ISA = ('Tie::ExtraHash');

sub TIEHASH { return bless([$_[1]], $_[0]) }

1;
