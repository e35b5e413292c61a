package PVE::Storage::Custom::TorturePlugin;

# A plugin with every bad habit; volume_size_info has the one that the volume is named after.

use strict;
use warnings;

use File::Basename qw(dirname);
use POSIX ();
use Time::HiRes ();

use PVE::Exception;
use PVE::Storage;

use base qw(PVE::Storage::Plugin);

sub api { return 15 }

sub type { return 'torture' }

sub plugindata { return { content => [{ images => 1 }, { images => 1 }] } }

sub options { return { path => { fixed => 1 } } }

sub parse_volname {
    my ($class, $volname) = @_;
    return ('images', $volname, 100, undef, undef, undef, 'raw');
}

sub filesystem_path {
    my ($class, $scfg, $volname) = @_;
    my $path = "$scfg->{path}/$volname";
    return wantarray ? ($path, 100, 'images') : $path;
}

# Tells the test that the call is under way.
my $ready = sub {
    my ($scfg) = @_;
    my $file = $scfg->{ready} or return;
    open(my $fh, '>', "$file.new") or die "$file: $!\n";
    print $fh $$;
    close($fh);
    rename("$file.new", $file) or die "$file: $!\n";
};

my $until = sub {
    my ($file) = @_;
    Time::HiRes::sleep(0.01)
        while !-e $file && -d dirname($file); # a test that is over has removed it
};

my @PLAIN = (1024, 'raw', 512, undef, 1767225600);

my %HABITS = (
    plain => sub { return @PLAIN },

    # ---- ends
    kill => sub {
        print "these are my last words\n";
        kill('KILL', $$);
        sleep(1) while 1;
    },
    exit => sub {
        print STDERR "leaving\n";
        exit(7);
    },
    segv => sub {
        print "following a wild pointer\n";
        kill('SEGV', $$);
        sleep(1) while 1;
    },
    abort => sub { POSIX::abort() },
    hang => sub {
        my ($scfg) = @_;
        print "waiting for something\n";
        $ready->($scfg);
        sleep(1) while 1;
    },
    'hang-deaf' => sub {
        my ($scfg) = @_;
        $SIG{TERM} = 'IGNORE';
        $ready->($scfg);
        sleep(1) while 1;
    },
    'hang-stone' => sub {
        my ($scfg) = @_;
        my $all = POSIX::SigSet->new;
        $all->fillset;
        POSIX::sigprocmask(POSIX::SIG_BLOCK(), $all) or die "sigprocmask: $!\n";
        $ready->($scfg);
        sleep(1) while 1;
    },
    'hang-once' => sub {
        my ($scfg) = @_;
        my $first = !-e $scfg->{ready};
        $ready->($scfg);
        sleep(1) while $first;
        return @PLAIN;
    },
    wait => sub {
        my ($scfg) = @_;
        $ready->($scfg);
        $until->($scfg->{go});
        return @PLAIN;
    },

    # Dies while a process that it left behind holds everything open.
    'kill-with-child' => sub {
        my ($scfg) = @_;
        if (!fork()) {
            $until->($scfg->{go});
            POSIX::_exit(0);
        }
        print "not alone\n";
        kill('KILL', $$);
        sleep(1) while 1;
    },

    # ---- output
    'print-much' => sub {
        my $line = 'x' x 63;
        for my $i (1 .. 16384) {
            print STDOUT "$line\n";
            print STDERR "$line\n";
        }
        print STDOUT "the end of stdout\n";
        print STDERR "the end of stderr\n";
        return @PLAIN;
    },
    say => sub {
        print "a word of its own\n";
        return @PLAIN;
    },
    'say-and-wait' => sub {
        my ($scfg) = @_;
        local $| = 1;
        print "so far: 50% gr\xc3\xbcn\n";
        print STDERR "a warning of its own\n";
        $until->($scfg->{go});
        return @PLAIN;
    },
    'print-line' => sub {
        print STDOUT 'y' x 1048576;
        return @PLAIN;
    },
    linger => sub {
        my ($scfg) = @_;
        my $child = fork();
        if (!$child) {
            if (!fork()) {
                $until->($scfg->{go});
                print "late words of $$\n";
                POSIX::_exit(0);
            }
            POSIX::_exit(0);
        }
        waitpid($child, 0);
        return @PLAIN;
    },

    # ---- what a call leaves bent
    bend => sub {
        my ($scfg) = @_;
        alarm(1);
        $SIG{ALRM} = sub { die "an alarm of an earlier call\n" };
        $SIG{CHLD} = 'IGNORE';
        $SIG{PIPE} = sub { die "a broken pipe\n" };
        chdir($scfg->{path}) or die "chdir: $!\n";
        umask(0);
        $/ = undef;
        $\ = "!\n";
        $, = ';';
        $_ = 'bent';
        $@ = 'bent';
        select(STDERR);
        $ENV{PATH} = '/nowhere';
        $ENV{LC_ALL} = 'tr_TR.UTF-8';
        return @PLAIN;
    },
    straight => sub {
        my @bent;
        push @bent, 'alarm' if alarm(0);
        push @bent, 'handlers' if grep { ($SIG{$_} // 'DEFAULT') ne 'DEFAULT' } qw(ALRM CHLD PIPE);
        push @bent, 'cwd ' . POSIX::getcwd() if POSIX::getcwd() ne '/';
        push @bent, sprintf('umask %04o', umask()) if umask() == 0;
        push @bent, 'input separator' if ($/ // '') ne "\n";
        push @bent, 'output separators' if defined($\) || defined($,);
        push @bent, 'select' if fileno(select()) != 1;
        push @bent, 'PATH' if !defined($ENV{PATH}) || $ENV{PATH} eq '/nowhere';
        push @bent, 'LC_ALL' if ($ENV{LC_ALL} // '') eq 'tr_TR.UTF-8';
        push @bent, 'commands' if `true` ne '' || $? != 0;
        return (1024, 'raw', 512, join(', ', 'bent:', @bent), 1767225600);
    },
    outlast => sub {
        Time::HiRes::sleep(0.1) for 1 .. 15;
        return @PLAIN;
    },
    pid => sub { return ($$, 'raw', 0, undef, 1) },

    # ---- deaths
    'die-line' => sub { die "the array said no\n" },
    'die-lines' => sub { die "the array said no\nand then hung up\n\n" },
    'die-place' => sub {

        # line 1 "array.pl"
#line 1 "array.pl"
        die 'the array said no';
    },
    'die-hash' => sub { die { code => 42, reason => 'no' } },
    'die-empty' => sub {
#line 1 "array.pl"
        die '';
    },
    'die-undef' => sub {
#line 1 "array.pl"
        die undef;
    },
    'die-object' => sub { die bless({}, 'Torture::Mute') },
    'die-false' => sub { die bless({ text => "false but dead\n" }, 'Torture::False') },
    'die-exception' => sub {
        die PVE::Exception->new("no quorum\n", code => 595, errors => { node => 'is down' });
    },
    'die-characters' => sub { die "Platte \x{e4}\x{20ac} fehlt\n" },
    'die-bytes' => sub { die "Platte \xe4\xff fehlt\n" },
    'die-zero' => sub { die "0\n" },
    'die-cleared' => sub {
        my $guard = bless({}, 'Torture::Clearing');
        die "not forgotten\n";
    },
    'die-long' => sub { die 'long ' x 20000 . "\n" },
);

sub volume_size_info {
    my ($class, $scfg, $storeid, $volname, $timeout) = @_;

    my $habit = $HABITS{$volname} or die "there is no habit '$volname'\n";
    my @info = $habit->($scfg, $timeout);
    return wantarray ? @info : $info[0];
}

sub status {
    my ($class, $storeid, $scfg, $cache) = @_;

    $HABITS{ $scfg->{habit} }->($scfg) if $scfg->{habit};
    return (4096, 3072, 1024, 1);
}

# Calls itself without end, by way of the base class.
sub get_subdir {
    my ($class, $scfg, $vtype) = @_;

    die "too deep in Perl\n" if ++$scfg->{depth} > 100;
    require Tenon::Base;
    return Tenon::Base::call($class, 'filesystem_path', 0, { $scfg->%* }, '100/vm-100-disk-0.raw')
        if $scfg->{endless};
    return "$scfg->{path}/$vtype";
}

package Torture::Mute;

use overload '""' => sub { die "I have no words\n" }, fallback => 1;

package Torture::False;

use overload '""' => sub { $_[0]->{text} }, 'bool' => sub { 0 }, fallback => 1;

package Torture::Clearing;

sub DESTROY {
    eval { 1 }
}

1;
