# What a plugin class says of itself, as JSON.

use v5.36;

use JSON::PP;

use PVE::Storage;
use PVE::Storage::Plugin;

my ($file) = $ARGV[0] =~ m/\A(.*)\z/s;
@INC = grep { !m{/perl-shim/lib\z} } @INC;
require $file;
my ($class) = map { 'PVE::Storage::Custom::' . ($_ =~ m{(\w+)\.pm\z})[0] } $file;
my $data = $class->plugindata;
say JSON::PP->new->canonical->encode({
    api => $class->api . '',
    type => $class->type,
    content => [map { [sort keys $_->%*] } $data->{content}->@*],
    format => [[sort keys $data->{format}->[0]->%*], $data->{format}->[1]],
    properties => [sort keys $class->properties->%*],
    options => { map { $_ => [sort keys $class->options->{$_}->%*] } keys $class->options->%* },
    isa => $class->isa('PVE::Storage::Plugin') ? 1 : 0,
});
