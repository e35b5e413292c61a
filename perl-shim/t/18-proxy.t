use v5.36;

use FindBin;
use Test::More;

use lib "$FindBin::Bin/../lib", "$FindBin::Bin/../compat", "$FindBin::Bin/lib";

use Tenon::Proxy;
use Tenon::Test::Data qw(error_of);
use Tenon::Test::Peer;

delete $ENV{TENON_SOCKET};

# What the hook warns of, and dies with.
sub hook ($socket, $name, @args) {
    my @warnings;
    local $SIG{__WARN__} = sub ($text) { push @warnings, $text };
    my $err =
        error_of(sub { Tenon::Proxy->forward($socket, 'dir', $name, undef, 'Some::Class', @args) });
    return (join('', @warnings), $err);
}

my %SCFG = (type => 'dir', path => '/srv');

subtest 'a storage is taken out without the daemon' => sub {
    my @updates = (
        { disable => 1 },
        { disable => 0 },
        { nodes => { a => 1 } },
        { disable => 1, nodes => { a => 1 }, type => 'dir' },
    );
    my @calls = (['on_delete_hook', 'nas', {%SCFG}]);
    for my $update (@updates) {
        push @calls, ['on_update_hook', 'nas', $update];
        push @calls, ['on_update_hook_full', 'nas', {%SCFG}, $update, $_, {}]
            for undef, [], ['nodes'];
    }
    push @calls, ['on_update_hook_full', 'nas', {%SCFG}, {}, ['disable'], {}];
    for my $call (@calls) {
        my ($warning, $err) = hook('/nowhere/control.sock', $call->@*);
        is($err, undef, "$call->[0] succeeds");
        like(
            $warning,
qr{\Astorage 'nas' is (?:removed|changed), but its plugin was not told.*: $call->[0]: .*/nowhere/control\.sock},
            "$call->[0] warns"
        );
    }
};

subtest 'what a plugin must know of is not changed without it' => sub {
    my @calls = (
        ['on_update_hook', 'nas', { content => { iso => 1 } }],
        ['on_update_hook', 'nas', { disable => 1, path => '/other' }],
        ['on_update_hook', 'nas', {}],
        ['on_update_hook', 'nas', { disable => 1 }, password => 'p'],
        ['on_update_hook_full', 'nas', {%SCFG}, { disable => 1 }, undef, { password => undef }],
        ['on_update_hook_full', 'nas', {%SCFG}, { disable => 1 }, ['path'], {}],
        ['on_update_hook_full', 'nas', {%SCFG}, {}, undef, {}],
        ['on_add_hook', 'nas', {%SCFG}],
    );
    for my $call (@calls) {
        my ($warning, $err) = hook('/nowhere/control.sock', $call->@*);
        is($warning, '', "$call->[0] does not warn");
        like($err, qr/nobody answers at the socket/, "$call->[0] dies");
    }
};

subtest 'a plugin that says no is heard' => sub {
    my $peer = Tenon::Test::Peer->start(
        sub ($conn) {
            $conn->hello(plugins => ['dir']);
            $conn->serve(
                sub ($method, @) {
                    die {
                        code => 65541,
                        name => 'NOT_FOUND',
                        message => "$method says no",
                        outcome => 'NOT_STARTED',
                        origin => 'daemon'
                    };
                });
        });
    for my $call (['on_delete_hook', 'nas', {%SCFG}], ['on_update_hook', 'nas', { disable => 1 }]) {
        my ($warning, $err) = hook($peer->path, $call->@*);
        is($warning, '', "$call->[0] does not warn");
        is($err, "$call->[0] says no\n", "$call->[0] dies with its words");
    }
    Tenon::Proxy->client($peer->path)->disconnect;
    is_deeply([$peer->finish], [], 'the peer saw what it expected');
};

done_testing();
