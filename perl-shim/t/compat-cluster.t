use v5.36;
no warnings 'once';

use Errno qw(ECONNREFUSED);
use File::Temp qw(tempdir);
use FindBin;
use IO::Socket::IP;
use POSIX ();
use Test::More;

use lib "$FindBin::Bin/../lib", "$FindBin::Bin/../compat";
BEGIN { unshift @INC, $ENV{TENON_PVE_LIB} if $ENV{TENON_PVE_LIB}; }

use PVE::Storage;

my $real = $ENV{TENON_PVE_LIB};
my $dir = tempdir(CLEANUP => 1);
local $ENV{TENON_LOCK_DIR} = "$dir/locks";

sub caught ($code) {
    my $value = eval { $code->() };
    return $@ ? "died: $@" : $value;
}

# What is printed on standard error meanwhile, before the value.
sub said ($code) {
    open(my $saved, '>&', \*STDERR) or die "$!\n";
    open(STDERR, '>', "$dir/stderr") or die "$!\n";
    my $value = $code->();
    open(STDERR, '>&', $saved) or die "$!\n";
    open(my $fh, '<', "$dir/stderr") or die "$!\n";
    local $/ = undef;
    return (<$fh> // '', $value);
}

subtest 'locks of the cluster' => sub {
    plan(skip_all => "PVE's own needs its cluster file system") if $real;
    my @seen;
    my $result = PVE::Cluster::cfs_lock_domain(
        'array', 5,
        sub {
            push @seen, [wantarray, @_];
            return (7, 8);
        },
        'a',
        'b'
    );
    is($result, 8, 'the result, in scalar context');
    is($@, undef, 'and no error');
    is_deeply(\@seen, [['', 'a', 'b']], 'what the code gets');

    my $object = { code => 5 };
    is(PVE::Cluster::cfs_lock_storage('nas', undef, sub { die $object }), undef, 'a death: undef');
    is($@, $object, '... and the very error');
    PVE::Cluster::cfs_lock_storage('nas', undef, sub { die "no\n" });
    is($@, "no\n", '... unprefixed');
    is(PVE::Cluster::cfs_lock_storage('nas', undef, sub { 5 }), 5, 'it is free again');

    my ($text, $value) = said(
        sub {
            PVE::Cluster::cfs_lock_domain(
                'array', 5,
                sub {
                    my $inner = PVE::Cluster::cfs_lock_domain('array', 0.2, sub { 1 });
                    return [$inner, $@];
                });
        });
    is_deeply(
        $value,
        [undef, "cfs-lock 'domain-array' error: got lock request timeout\n"],
        'it is not re-entrant'
    );
    is($text, "trying to acquire cfs lock 'domain-array' ...\n", '... and says that it waits');
    is(PVE::Cluster::cfs_lock_storage('array', 1, sub { 6 }), 6, 'storages and domains differ');

    {
        local $PVE::Cluster::LOCKED_SECONDS = 0.2;
        is(PVE::Cluster::cfs_lock_domain('array', 1, sub { 1 while 1 }),
            undef, 'code that takes too long');
        is($@, "'domain-array'-locked command timed out - aborting\n", '... is told so');
    }
    local $SIG{ALRM} = sub { die "outer\n" };
    alarm(30);
    PVE::Cluster::cfs_lock_domain('array', 1, sub { 1 });
    cmp_ok(alarm(0), '>=', 29, 'an alarm of the caller is set again');

    like(
        caught(
            sub {
                PVE::Cluster::cfs_lock_file('x.cfg', 1, sub { 1 });
            }
        ),
        qr/\Adied: unknown file 'x\.cfg' at /,
        'a file that nobody registered'
    );
    is(PVE::Cluster::cfs_lock_file('storage.cfg', 1, sub { 1 }), 1, 'one that is');

    my $child = fork() // die "$!\n";
    if (!$child) {
        PVE::Cluster::cfs_lock_domain('array', 1, sub { kill('STOP', $$) });
        POSIX::_exit(0);
    }
    waitpid($child, POSIX::WUNTRACED()); # until it has stopped
    my (undef, $other) = said(
        sub {
            PVE::Cluster::cfs_lock_domain('array', 0.2, sub { 1 });
        });
    is($other, undef, 'another process holds it');
    kill('KILL', $child);
    waitpid($child, 0);
    is(PVE::Cluster::cfs_lock_domain('array', 5, sub { 2 }), 2, '... until it is dead');

    local $ENV{TENON_LOCK_DIR} = 'relative';
    PVE::Cluster::cfs_lock_domain('array', 1, sub { 1 });
    is(
        $@,
        "cfs-lock 'domain-array' error: the lock directory 'relative' is no absolute path\n",
        'a directory that cannot be'
    );
};

subtest 'locks of a storage' => sub {
    my $base = 'PVE::Storage::Plugin';
    my $lock = sub ($shared, $code, @args) {
        return $base->cluster_lock_storage('tenon-test', $shared, 1, $code, @args);
    };
    SKIP: {
        skip("PVE's own locks where only root may", 4) if $real && $> != 0;
        is($lock->(0, sub { "@_" }, 1, 2), '1 2', 'its result');
        is($lock->(0, sub { wantarray ? 'list' : 'scalar' }), 'scalar', 'in scalar context');
        is(
            caught(
                sub {
                    $lock->(0, sub { die "x\n" });
                }
            ),
            "died: x\n",
            'its death'
        );
        my $again = sub {
            $lock->(0, sub { 'inner' });
        };
        is($lock->(0, $again), 'inner', 're-entrant');
        unlink('/var/lock/pve-manager/pve-storage-tenon-test') if $real;
    }
    if ($real) {
        is(
            caught(
                sub {
                    $lock->(1, sub { 5 });
                }
            ),
            "died: cfs-lock 'storage-tenon-test' error: no quorum!\n",
            'a shared one: its text'
        );
        return;
    }
    is($lock->(1, sub { "@_" }, 3), '3', 'a shared one: its result');
    is(
        caught(
            sub {
                $lock->(1, sub { die "x\n" });
            }
        ),
        "died: x\n",
        '... its death'
    );
    my $nested = sub {
        $lock->(1, sub { 1 });
    };
    my (undef, $died) = said(
        sub {
            caught(sub { $lock->(1, $nested) });
        });
    is($died, "died: cfs-lock 'storage-tenon-test' error: got lock request timeout\n",
        '... its text');
};

subtest 'the cluster' => sub {
    my $node = PVE::INotify::nodename();
    is_deeply(PVE::Cluster::get_nodelist(), [$node], 'its nodes');
    is_deeply([map { ref(PVE::Cluster->can($_)->()) } qw(get_vmlist get_clinfo)],
        ['HASH', 'HASH'], 'hashes');
    like(
        caught(sub { PVE::Cluster::cfs_read_file('no-such.cfg') }),
        qr/\Adied: unknown file type 'no-such\.cfg'\n/,
        'a file that nobody registered'
    );
    for my $read (
        [sub { PVE::Storage::config() }, 'the configuration of storages'],
        [sub { PVE::Cluster::cfs_read_file('storage.cfg') }, '... as a file'],
    ) {
        my $config = caught($read->[0]);

        # A host whose cluster file system does not run has none, not even an empty one.
        ok(
            ref($config)
            ? $config->{ids}
            : $real && $config eq 'died: ' . do { local $! = ECONNREFUSED; "$!\n" },
            $read->[1]) or diag($config);
    }
    SKIP: {
        skip("PVE's own asks its cluster file system", 11) if $real;
        local $PVE::Cluster::GUESTS = "$dir/vmlist";
        is_deeply(PVE::Cluster::get_vmlist()->{ids}, {}, 'no guests');
        for my $row (
            ['{"version":7,"ids":{"100":{"type":"lxc","node":"n1","version":3}}}', 'lxc', 'guests'],
            ['{"version":7,"ids":', undef, 'half a list'],
            ['[1]', undef, 'another thing'],
            ['', undef, 'nothing at all'],
        ) {
            my ($text, $type, $name) = $row->@*;
            open(my $fh, '>', $PVE::Cluster::GUESTS) or die "$!\n";
            print $fh $text;
            close($fh) or die "$!\n";
            is(PVE::Cluster::get_vmlist()->{ids}->{100}->{type}, $type, $name);
        }
        is_deeply(PVE::Cluster::get_guest_config_properties(['lock']), {},
            '... nor what they have');
        ok(PVE::Cluster::get_clinfo()->{nodelist}->{$node}, 'this node is in it');
        ok(PVE::Cluster::cfs_update() && PVE::Cluster::check_cfs_quorum(), 'quorum');
        PVE::Cluster::cfs_register_file('tenon-test.cfg', sub ($path, $content) { [$content] });
        is_deeply(PVE::Cluster::cfs_read_file('tenon-test.cfg'), [undef], 'a registered file');
        like(
            caught(sub { PVE::Cluster::cfs_register_file('tenon-test.cfg') }),
            qr/\Adied: file 'tenon-test\.cfg' already registered/,
            '... once'
        );
        like(
            caught(sub { PVE::Cluster::cfs_write_file('tenon-test.cfg', {}) }),
            qr/is not written: /,
            '... and not to be written'
        );
    }
};

subtest 'network' => sub {
    my $server = IO::Socket::IP->new(LocalHost => '127.0.0.1', Listen => 1) or die "$!\n";
    my $port = $server->sockport;
    ok(PVE::Network::tcp_ping('127.0.0.1', $port, 2), 'a port that is open');
    close($server);
    ok(!PVE::Network::tcp_ping('127.0.0.1', $port, 2), '... and closed');
    is_deeply([PVE::Network::get_ip_from_hostname('10.1.2.3')], ['10.1.2.3', 2], 'an address');
    is(scalar(PVE::Network::get_ip_from_hostname('10.1.2.3')), '10.1.2.3', '... as scalar');
    is_deeply([PVE::Network::get_ip_from_hostname('fe80::1')], ['fe80::1', 10], 'of version 6');
    is(
        caught(sub { PVE::Network::get_ip_from_hostname('127.0.0.1') }),
        "died: address lookup for '127.0.0.1' did not find any IP address\n",
        'this machine is none'
    );
    is_deeply([PVE::Network::get_ip_from_hostname('127.0.0.1', 1)], [], '... without dying');
    like(
        caught(sub { PVE::Network::get_ip_from_hostname('no.such.invalid') }),
qr/\Adied: hostname lookup 'no\.such\.invalid' failed - failed to get address info for: .+\n\z/,
        'no such name'
    );
    is_deeply([PVE::Network::get_ip_from_hostname('no.such.invalid', 1)], [], '... without dying');
};

subtest 'environments' => sub {
    my ($text) = said(sub { PVE::RESTEnvironment::log_warn("the pool is full\n") });
    is($text, "WARN: the pool is full\n", 'log_warn');
    ok(!PVE::RESTEnvironment->is_worker, 'no worker');
    SKIP: {

        # It ends the process where the cluster file system does not run.
        skip("PVE's own reads its users from its cluster file system, which does not run", 2)
            if $real && !eval { PVE::Cluster::cfs_update(1); 1 };
        PVE::RPCEnvironment->setup_default_cli_env if $real;
        is(PVE::RPCEnvironment->get->get_user, 'root@pam', 'the user');
        is(PVE::RPCEnvironment->get, PVE::RPCEnvironment->get, 'there is one');
    }
    SKIP: {
        skip("PVE's own has tasks", 2) if $real;
        ok(PVE::RPCEnvironment->get->check('root@pam', '/', ['x']), 'may do everything');
        like(
            caught(sub { PVE::RPCEnvironment->get->fork_worker }),
            qr/fork_worker is not offered by .*;/,
            'there are no tasks'
        );
    }
    SKIP: {
        skip("PVE's own does not load it") if !$INC{'PVE/HA/Config.pm'};
        is_deeply(PVE::HA::Config::read_manager_status()->{service_status}, {}, 'no HA services');
        is_deeply(PVE::HA::Config::read_resources_config()->{ids}, {}, '... nor resources');
    }
};

done_testing();
