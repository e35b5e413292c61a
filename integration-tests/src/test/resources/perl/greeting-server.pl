# Answers an API that Tenon does not know, at level 1 of it.

use v5.36;

use Tenon::Api;
use Tenon::Schema;
use Tenon::Session;

package Inn;

sub greet ($class, @args) {
    return "Good evening, @args";
}

sub list_guests ($class) {
    return [{ name => 'Ann', visits => '3' }, { name => 'Bob' }];
}

package main;

my ($file, $socket) = @ARGV;
my $api = Tenon::Api->read($file);
my $session = Tenon::Session->connect(
    $socket,
    { role => 'sidecar', level => 1, pid => $$ + 0 },
    sub ($name, $params, $context) {
        my $method = $api->method($name);
        my $args = Tenon::Schema::params_from_wire($api, $method, 1, $params);
        return Tenon::Schema::result_to_wire($method, [scalar(Inn->$name($args->@*))], undef);
    },
);
$session->serve;
