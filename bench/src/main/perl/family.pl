#!/usr/bin/perl

# Calls plugins with a family of processes. Reads {"what", "socket", "config", ...} as JSON from standard input:
#
# "turns": the same short call to the types {busy} and {idle}, by turns, while another process has {busy} make calls of 10 s
# "import": activate, path, status and list of {busy} and {idle}, by turns, while {busy} imports {bytes} at {rate} a second
# "many": {calls} calls by each of {processes} processes at once
#
# Prints one line a block: "busy" or "idle" and how long its calls took in nanoseconds; for "many" how long all took.

use v5.36;

use JSON::PP ();
use POSIX ();
use Time::HiRes qw(clock_gettime CLOCK_MONOTONIC);

use Tenon::Client;

my $job = JSON::PP->new->utf8->decode(do { local $/ = undef; <STDIN> });
my %what = (import => \&import_beside, many => \&many, turns => \&turns);
$what{ $job->{what} }->();

sub client () {
    return Tenon::Client->new(socket => $job->{socket});
}

sub config ($type) {
    return { type => $type, path => $job->{config}, content => { images => 1 } };
}

sub timed ($code) {
    my $began = clock_gettime(CLOCK_MONOTONIC);
    $code->();
    return (clock_gettime(CLOCK_MONOTONIC) - $began) * 1e9;
}

sub block ($client, $name, $calls) {
    my $type = $job->{$name};
    my $config = config($type);
    my $call =
        sub { my @size = $client->call($type, 'volume_size_info', $config, $type, 'now', 5) };
    return map { timed($call) } 1 .. $calls;
}

sub told ($name, @nanos) {
    say join(' ', $name, map { sprintf('%.0f', $_) } @nanos);
    return;
}

# Somebody else, until this process is done.
sub beside ($code) {
    my $pid = fork() // die "cannot fork: $!\n";
    return $pid if $pid;
    my $done = eval { $code->(); 1 };
    print STDERR $@ if !$done;
    POSIX::_exit($done ? 0 : 1);
}

sub turns () {
    my $type = $job->{busy};
    my $client = client();
    block($client, $_, $job->{warmup}) for qw(busy idle);
    my $other = beside(
        sub {
            my $own = client();
            $own->call($type, 'volume_snapshot', config($type), $type, 'now', 'one') while 1;
        });
    sleep(1);
    for my $round (1 .. $job->{blocks}) {
        told($_, block($client, $_, $job->{block})) for $round % 2 ? qw(busy idle) : qw(idle busy);
    }
    die "the long calls have failed\n" if waitpid($other, POSIX::WNOHANG) != 0;
    kill('KILL', $other);
    waitpid($other, 0);
    return;
}

sub many () {
    my $type = $job->{busy};
    my $config = config($type);
    my @go =
        map { pipe(my $read, my $write) or die "$!\n"; [$read, $write] } 1 .. $job->{processes};
    my @pids = map {
        my ($read) = $_->@*;
        beside(
            sub {
                my $client = client();
                my $call = sub {
                    my @size =
                        $client->call($type, 'volume_size_info', $config, $type, $job->{volume}, 5);
                };
                $call->() for 1 .. 10;
                sysread($read, my $byte, 1);
                $call->() for 1 .. $job->{calls};
            })
    } @go;
    sleep(2);
    told(
        'all',
        timed(
            sub {
                syswrite($_->[1], 'g') for @go;
                for my $pid (@pids) {
                    waitpid($pid, 0);
                    die "a process that called has failed\n" if $?;
                }
            }));
    return;
}

sub import_beside () {
    my $client = client();
    my %calls = map { my $type = $job->{$_}; ($_ => [calls_of($client, $type)]) } qw(busy idle);
    $_->() for map { $_->@* } values %calls;
    pipe(my $read, my $write) or die "$!\n";
    my $feeder = beside(sub { close($read); feed($write) });
    my $importer = beside(
        sub {
            close($write);
            my $type = $job->{busy};
            client()
                ->call($type, 'volume_import', config($type), $type, $read,
                '100/vm-100-disk-0.raw', 'raw+size', undef, undef, 0, 0);
        });
    close($_) for $read, $write;
    sleep(1);
    my $pause = 0.7 * $job->{bytes} / $job->{rate} / $job->{calls};
    my %nanos;
    for my $turn (0 .. $job->{calls} - 1) {
        for my $name ($turn % 2 ? qw(busy idle) : qw(idle busy)) {
            my @those = $calls{$name}->@*;
            push $nanos{$name}->@*, timed($those[$turn % @those]);
        }
        Time::HiRes::sleep($pause);
    }
    die "the import has ended before the calls\n" if waitpid($importer, POSIX::WNOHANG) != 0;
    told($_, $nanos{$_}->@*) for qw(busy idle);
    for my $pid ($feeder, $importer) {
        waitpid($pid, 0);
        die "the import has failed\n" if $?;
    }
    return;
}

sub calls_of ($client, $type) {
    my $config = config($type);
    return (
        sub { $client->call($type, 'activate_storage', $type, $config, {}) },
        sub {
            my @path = $client->call($type, 'path', $config, '100/vm-100-disk-0.raw', $type, undef);
        },
        sub { my @status = $client->call($type, 'status', $type, $config, {}) },
        sub { my $list = $client->call($type, 'list_images', $type, $config, undef, undef, {}) },
    );
}

# At the rate, in pieces.
sub feed ($write) {
    my $piece = 'x' x (1 << 20);
    syswrite($write, pack('Q<', $job->{bytes})) // die "the import reads nothing: $!\n";
    my $began = clock_gettime(CLOCK_MONOTONIC);
    for (my $sent = 0; $sent < $job->{bytes}; $sent += length($piece)) {
        my $early = $sent / $job->{rate} - (clock_gettime(CLOCK_MONOTONIC) - $began);
        Time::HiRes::sleep($early) if $early > 0;
        for (my $at = 0; $at < length($piece);) {
            $at += syswrite($write, $piece, length($piece) - $at, $at)
                // die "the import reads no more: $!\n";
        }
    }
    return;
}
