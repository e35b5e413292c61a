# Calls an API that Tenon does not know, through its table.

use v5.36;

use Tenon::Api;
use Tenon::Client;

my $client = Tenon::Client->new(api => Tenon::Api->read($ARGV[0]));
say $client->call('inn', 'greet', 'Ann', 2);
say join(', ', map { "$_->{name} $_->{visits}" } $client->call('inn', 'list_guests')->@*);
eval { $client->call('inn', 'greet'); 1 } and die "greeted nobody\n";
print $@->text;
