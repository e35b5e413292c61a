use v5.36;

use FindBin;
use Test::More;

use lib "$FindBin::Bin/../lib", "$FindBin::Bin/lib";

use Data::MessagePack ();
use Tenon::Api;
use Tenon::Error;
use Tenon::Frame;
use Tenon::Schema;
use Tenon::Test::Data qw(packed);

my $api = Tenon::Api->load;

# The same table, where every value is looked at.
my $slow = Tenon::Api->read(Tenon::Error::resource('storage-plugin.json'));
for my $method (map { $slow->method($_) } $slow->method_names) {
    $method->{plain_params} = {
        map {
            $_ => sub ($wire) { return }
        } 1 .. 99
    };
    $method->{result}->{plain_tuple} = sub ($values) { return };
}

my @values = (
    undef, undef,
    '', 'vm-100-disk-0',
    "\xc3\xa4", "\x{e4}",
    "a\n", 'x' x 1001,
    0, 5,
    100, '5',
    ' 5', '05',
    5.0, 5.5,
    '1e3', -1,
    '9' x 9, '9' x 10,
    '9' x 15, '9' x 18,
    '9' x 19, 10**19,
    {}, { a => 'b' },
    ['a'], !!1,
    !!0, Data::MessagePack::true(),
    Data::MessagePack::false(), \'text',
    bless({}, 'Some'),
);

sub any () {
    return $values[rand(@values)];
}

sub outcome ($code) {
    my $value = eval { $code->() };
    return ref($@) ? join(' ', $@->name, $@->message) : "died: $@" if !defined($value);

    # Some is what no frame may hold; others say so.
    return eval { packed($value) } // $@ =~ s/ at .*//sr;
}

my %counts;

sub same ($what, $code) {
    local $Tenon::Schema::TELL = sub ($text) { };
    my ($fast, $slowly) = map {
        my $table = $_;
        outcome(sub { $code->($table) })
    } $api, $slow;
    $counts{$what}++;
    return if $fast eq $slowly;
    fail("$what: the short way and the long way agree");
    diag("$fast and $slowly");
    return;
}

srand(14);
my %good = (
    section => { type => 'dir', path => '/srv' },
    storeid => 'nas',
    volname => '100/vm-100-disk-0.raw',
    map { $_ => 5 } qw(kib seconds uint vmid),
);
for my $name ($api->method_names) {
    my $method = $api->method($name);
    for my $level ($api->oldest .. $api->newest) {
        for (1 .. 12) {
            my @params = $api->params_at($method, $level)->@*;
            my $odd = int(rand(3));
            my %wire = map { ($_->{name} => $good{ $_->{kind} } // 'text') } @params;
            $wire{ $params[rand(@params)]->{name} } = any() for @params ? 1 .. $odd : ();
            delete $wire{ $params[rand(@params)]->{name} } if @params && rand() < 0.2;
            $wire{foreign} = any() if rand() < 0.1;
            next if grep { $_->{kind} =~ m/\A(?:callback|disks|stream)\z/ } @params;
            same(
                "the parameters of $name at level $level",
                sub ($table) {
                    return Tenon::Schema::params_from_wire($table, $table->method($name),
                        $level, {%wire});
                });
        }
    }
    next if $method->{result}->{shape} ne 'tuple';
    for (1 .. 400) {
        my @tuple = map { $good{ $_->{kind} } // 'text' } $method->{result}->{fields}->@*;
        $tuple[rand(@tuple)] = any() for 1 .. rand(4);
        pop @tuple if rand() < 0.2;
        push @tuple, any() if rand() < 0.2;
        same(
            "what $name answers",
            sub ($table) {
                return Tenon::Schema::result_to_wire($table->method($name), [@tuple], 'nas');
            });
    }
}
cmp_ok(scalar(keys %counts),
    '>', 100, 'the short way and the long way agree wherever they were compared');

subtest 'what is plain takes the short way, with numbers for numbers' => sub {
    my $method = $api->method('volume_size_info');
    my %wire = (scfg => $good{section}, storeid => 'nas', volname => 'a', timeout => 5);
    my $params = Tenon::Plain::params($api->params_at($method, 13));
    is_deeply($params->(\%wire), [$good{section}, 'nas', 'a', 5], 'all parameters');
    is_deeply($params->({ %wire, timeout => undef }), [$good{section}, 'nas', 'a', undef],
        'or nil');
    my $tuple = Tenon::Plain::tuple($method->{result}->{fields});
    is(
        packed($tuple->(['5', undef, 5.0, undef, '7'])),
        packed({ size => 5, format => 'raw', used => 5, parent => undef, ctime => 7 }),
        'all values'
    );
};

subtest 'a program under -T may convert, too' => sub {
    my @include = map { "-I$_" } "$FindBin::Bin/../lib";
    my $code =
          'use Tenon::Api; use Tenon::Schema; my $api = Tenon::Api->load; print join(" ",'
        . ' Tenon::Schema::result_to_wire($api->method("path"), ["/a", 7, "images"], "nas")->{owner},'
        . ' Tenon::Schema::params_from_wire($api, $api->method("parse_volname"), 13, { volname => "b" })->[0])';
    open(my $out, '-|', $^X, '-T', @include, '-e', $code) or die "$!\n";
    is(do { local $/ = undef; <$out> }, '7 b', 'from the table that it read');
};

done_testing();
