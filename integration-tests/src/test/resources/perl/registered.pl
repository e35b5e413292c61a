# What PVE knows of a plugin file once it is loaded, as JSON. The other arguments are formats, standard options and functions
# to try: format:NAME:VALUE, option:NAME, function:NAME:ARGUMENT.

use v5.36;

use JSON::PP;

use PVE::JSONSchema;
use PVE::Storage;
use PVE::Storage::Plugin;

my ($file, @tries) = @ARGV;
@INC = grep { !m{/perl-shim/lib\z} } @INC;
my @warnings;
local $SIG{__WARN__} = sub ($text) { push @warnings, $text };
require $file;
my $class = 'PVE::Storage::Custom::' . ($file =~ m{(\w+)\.pm\z})[0];
$class->register;
my $has_init = eval { PVE::Storage::Plugin->init; 1 };

my %said = (
    api => $class->api,
    type => $class->type,
    plugindata => $class->plugindata,
    properties => $class->properties,
    options => $class->options,
    shared => [sort @PVE::Storage::Plugin::SHARED_STORAGE],
    init => $has_init ? 'good' : "$@",
);

if ($has_init && PVE::Storage::Plugin->can('createSchema')) {
    $said{create} = PVE::Storage::Plugin->createSchema;
    $said{update} = PVE::Storage::Plugin->updateSchema;
}
if ($has_init && PVE::Storage::Plugin->can('parse_config')) {
    my $cfg = PVE::Storage::Plugin->parse_config('storage.cfg',
        $said{type} . ": nas\n\tpath /srv\n\tcontent images\n\n");
    $said{parsed} = $cfg->{ids}->{nas};
}
for my $try (@tries) {
    my ($kind, $name, $value) = split(m/:/, $try, 3);
    $said{$try} = eval {
        if ($kind eq 'format') {
            PVE::JSONSchema::check_format($name, $value, 'here');
        } elsif ($kind eq 'option') {
            PVE::JSONSchema::get_standard_option($name);
        } else {
            eval "package Elsewhere; $class->import('$name'); 1" or die $@;
            no strict 'refs';
            [&{"Elsewhere::$name"}($value)];
        }
    } // "died: " . ($@ =~ s/ at \S+ line \d+\.?\n//r);
}
$said{warnings} = \@warnings;
say JSON::PP->new->canonical->allow_nonref->allow_unknown->allow_blessed->encode(\%said);
